package org.minpro.report;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A page as a PNG, drawn by a browser without a window. */
final class PagePicture {
    private static final List<String> BROWSERS =
            List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge");
    private static final long PATIENCE_SECONDS = 120;

    private PagePicture() {}

    private static Optional<Path> browser() {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .flatMap(folder -> BROWSERS.stream().map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /**
     * Draws a page.
     *
     * @param width pixels, and {@code height} too
     */
    static void write(String html, int width, int height, Path file) throws IOException, InterruptedException {
        Path browser = browser()
                .orElseThrow(() -> new IllegalArgumentException("--png needs a browser, one of " + BROWSERS
                        + " on the PATH, got: none; apt-get install chromium"));
        // Not in /tmp: a browser of a sandbox of its own may see another one.
        Path folder = Files.createTempDirectory(
                Optional.ofNullable(file.toAbsolutePath().getParent()).orElse(Path.of(".")), "picture");
        Path page = folder.resolve("page.html");
        Path png = folder.resolve("page.png");
        try {
            Files.writeString(page, html, StandardCharsets.UTF_8);
            List<String> command = new ArrayList<>(List.of(
                    browser.toString(),
                    "--headless=new",
                    "--disable-gpu",
                    "--hide-scrollbars",
                    "--user-data-dir=" + folder.resolve("profile"),
                    "--window-size=" + width + "," + height,
                    "--screenshot=" + png));
            if ("root".equals(System.getProperty("user.name"))) {
                // Its sandbox does not work for root; the page is ours and asks for nothing.
                command.add("--no-sandbox");
            }
            command.add(page.toUri().toString());
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("log").toFile())
                    .start();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            if (!Files.isRegularFile(png)) {
                throw new IllegalStateException(browser + " drew no picture: "
                        + Files.readString(folder.resolve("log"))
                                .lines()
                                .reduce((first, second) -> second)
                                .orElse("it said nothing"));
            }
            Files.move(png, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (Path path : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
