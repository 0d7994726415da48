# What bin/find-java and bin/build do, for Windows (untested): finds a JDK, builds where the build is missing or older
# than a source, and leaves app\target\java.args for minpro.cmd. Prints the JDK's folder; all else goes to stderr.
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
$classpath = Join-Path $root 'app\target\classpath'

function Say($text) { [Console]::Error.WriteLine("minpro: $text") }

# The version in the release file of a Java home, or nothing.
function Get-JavaVersion($folder) {
  if (-not $folder -or -not (Test-Path -LiteralPath (Join-Path $folder 'bin\java.exe'))) { return }
  $release = Join-Path $folder 'release'
  if (-not (Test-Path -LiteralPath $release)) { return }
  foreach ($line in Get-Content -LiteralPath $release) {
    if ($line -match '^JAVA_VERSION="(\d+)(?:\.(\d+))?(?:\.(\d+))?') {
      return [version]::new([int]$Matches[1], [int]$Matches[2], [int]$Matches[3])
    }
  }
}

$script:passedOver = $false
function Test-Java($folder, $compiler) {
  $version = Get-JavaVersion $folder
  if (-not $version -or $version.Major -lt 21) { return $false }
  if ($version.Major -eq 25 -and $version.Minor -eq 0 -and $version.Build -lt 3) {
    if (-not $script:passedOver) {
      Say "passed over Java $version in ${folder}: its collector can move arrays that native code holds (JDK-8377811, mended in 25.0.3)"
      $script:passedOver = $true
    }
    return $false
  }
  -not $compiler -or (Test-Path -LiteralPath (Join-Path $folder 'bin\javac.exe'))
}

function Find-Java($compiler) {
  if ($env:MINPRO_JAVA_HOME) {
    if (Test-Java $env:MINPRO_JAVA_HOME $compiler) { return $env:MINPRO_JAVA_HOME }
    Say "MINPRO_JAVA_HOME must name a JDK 21 or later, not 25.0.0-25.0.2, got: $env:MINPRO_JAVA_HOME"
    exit 2
  }
  if (Test-Java $env:JAVA_HOME $compiler) { return $env:JAVA_HOME }
  $folders = @($env:Path -split ';' | Where-Object { $_ } | ForEach-Object { Split-Path -Parent $_.TrimEnd('\') })
  foreach ($vendor in 'Java', 'Eclipse Adoptium', 'Microsoft', 'Amazon Corretto', 'Zulu', 'BellSoft', 'Semeru') {
    $folders += Get-ChildItem -Directory (Join-Path $env:ProgramFiles $vendor) -ErrorAction SilentlyContinue | ForEach-Object FullName
  }
  foreach ($place in '.jdks', '.gradle\jdks', 'scoop\apps') {
    $folders += Get-ChildItem -Directory (Join-Path $env:USERPROFILE $place) -ErrorAction SilentlyContinue | ForEach-Object FullName
  }
  $best = $folders | Where-Object { $_ -and (Test-Java $_ $compiler) } |
    Sort-Object { Get-JavaVersion $_ } -Descending | Select-Object -First 1
  if ($best) { return $best }
  Say 'needs a JDK 21 or later, not 25.0.0-25.0.2, found none; install JDK 25 (https://adoptium.net) or point MINPRO_JAVA_HOME at one'
  exit 2
}

function Test-Build {
  if (-not (Test-Path -LiteralPath $classpath)) { return $false }
  if (-not (Test-Path -LiteralPath (Join-Path $root 'app\target\minpro.jar'))) { return $false }
  $built = (Get-Item -LiteralPath $classpath).LastWriteTimeUtc
  $sources = 'pom.xml', 'verify\pom.xml', 'core\pom.xml', 'kernels\pom.xml', 'app\pom.xml', 'verify\src\main', 'core\src\main', 'kernels\src\main', 'app\src\main' |
    ForEach-Object { Join-Path $root $_ }
  $newer = Get-ChildItem -Recurse -Force $sources -ErrorAction SilentlyContinue |
    Where-Object { $_.LastWriteTimeUtc -gt $built } | Select-Object -First 1
  $missing = (Get-Content -LiteralPath $classpath) -split ';' | Where-Object { -not (Test-Path -LiteralPath $_) }
  -not $newer -and -not $missing
}

if (-not (Test-Build)) {
  $env:JAVA_HOME = Find-Java $true
  Say 'building; the first time this fetches about 200 MB from Maven Central into .m2, most of it libtorch'
  $maven = if (Get-Command mvn -ErrorAction SilentlyContinue) { 'mvn' } else { Join-Path $root 'mvnw.cmd' }
  Push-Location $root
  & $maven -B -q -ntp -pl app -am package '-Dmaven.test.skip=true' | ForEach-Object { [Console]::Error.WriteLine($_) }
  $failed = $LASTEXITCODE -ne 0
  Pop-Location
  if ($failed) { Say 'the build failed, its messages are above'; exit 1 }
}

$java = Find-Java $false
$jars = (Join-Path $root 'app\target\minpro.jar') + ';' + (Get-Content -LiteralPath $classpath)
$vectors = if ((Get-JavaVersion $java).Major -ge 25) { "--add-modules`njdk.incubator.vector`n" } else { '' }
$quiet = if ((Get-JavaVersion $java).Major -ge 24) { "--sun-misc-unsafe-memory-access=allow`n" } else { '' }
# A console that writes over a line when told to, and stderr goes to it.
$terminal = if ($env:WT_SESSION -and -not [Console]::IsErrorRedirected) { 'true' } else { 'false' }
$arguments = "--enable-native-access=ALL-UNNAMED`n-XX:+UseSerialGC`n-Xmn32m`n-Dminpro.terminal=$terminal`n$vectors$quiet-cp`n`"$($jars.Replace('\', '\\'))`"`n"
[IO.File]::WriteAllText((Join-Path $root 'app\target\java.args'), $arguments)
$java
