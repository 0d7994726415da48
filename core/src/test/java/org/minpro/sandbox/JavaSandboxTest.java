package org.minpro.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JavaSandboxTest {
    private static final SandboxLimits LIMITS = new SandboxLimits(20, 10, 64, 2);
    private static final Isolation FOUND = Isolation.find(LIMITS);
    private static final JavaSandbox SANDBOX = new JavaSandbox(LIMITS, FOUND);
    private static final List<String> ADDS = List.of("assertEquals(5, f(2, 3));");

    @AfterAll
    static void close() {
        SANDBOX.close();
    }

    private static JavaSandbox.Outcome run(String program, String... tests) throws IOException, InterruptedException {
        return SANDBOX.run(program, List.of(tests));
    }

    /** A method whose body does something before it gives the right answer. */
    private static String doing(String statements) {
        return "int f(int a, int b) throws Exception { " + statements + " return a + b; }";
    }

    @Test
    void eachTestPassesOrSaysWhatItGot() throws Exception {
        JavaSandbox.Outcome outcome = run(
                "int f(int a, int b) { return a * b; } static List<Integer> g() { return List.of(1, 2); }",
                "assertEquals(4, f(2, 2));",
                "assertEquals(5, f(2, 3));",
                "assertEquals(List.of(1, 2), g()); assertTrue(f(0, 9) == 0);",
                "assertThrows(ArithmeticException.class, () -> f(1 / f(0, 0), 0));",
                "assertEquals(0.3, 0.1 + 0.2, 1e-9);");
        assertThat(outcome.failures()).containsExactly(null, "expected: 5, got: 6", null, null, null);
        assertThat(outcome.passed()).isEqualTo(4);
        assertThat(outcome.reason()).isEqualTo("expected: 5, got: 6");
        assertThat(run(
                                "public class Solution { public static int f(int a, int b) { return a + b; } }",
                                "assertEquals(5, f(2, 3));")
                        .passed())
                .isEqualTo(1);
    }

    @Test
    void whatDoesNotCompileSaysWhere() throws Exception {
        JavaSandbox.Outcome outcome = run("int f(int a, int b) { return a +; }", "assertEquals(5, f(2, 3));");
        assertThat(outcome.compiled()).isFalse();
        assertThat(outcome.reason()).isEqualTo("Solution:1: illegal start of expression");
        // What the tests call is not there: the words of the error name none of the secret classes.
        assertThat(run("int g() { return 1; }", "assertEquals(5, f(2, 3));").reason())
                .startsWith("Solution:")
                .contains("cannot find symbol");
    }

    /** As the overloads of JUnit for primitive types do. */
    @Tag("slow")
    @Test
    void numbersAreComparedAsJavaPromotesThem() throws Exception {
        JavaSandbox.Outcome outcome = run(
                "double d() { return 3; } float f() { return 0.5f; } long l() { return 5; } Integer i() { return 5; }"
                        + " char c() { return 'a'; } double nan() { return 0.0 / 0; } Object o() { return \"5\"; }",
                "assertEquals(3, d()); assertEquals(0.5, f()); assertEquals(0.5f, f()); assertEquals(5L, i());",
                "assertEquals('a', c()); assertEquals(97, c()); assertEquals(Double.NaN, nan());",
                "assertEquals(1 / 0.0, 1 / 0.0, 1e-9); assertNotEquals(0.1, 0.1f); assertNotEquals(5, o());",
                "assertNotEquals(6, l()); assertNotEquals(3, d(), 1);",
                "assertNotEquals(5, l());",
                "assertEquals(0.0, -0.0);");
        assertThat(outcome.failures())
                .containsExactly(null, null, null, "got: 3.0", "got: 5", "expected: 0.0, got: -0.0");
    }

    @Tag("slow")
    @Test
    void assertionsTakeMessagesAndGiveWhatWasThrown() throws Exception {
        JavaSandbox.Outcome outcome = run(
                "int[] f(int n) { if (n < 0) throw new IllegalStateException(\"low\"); return new int[] {n}; }",
                "assertTrue(f(1) != null, \"why\"); assertEquals(1, f(1)[0], () -> \"why\"); assertNotNull(f(1), \"why\");",
                "assertEquals(\"low\", assertThrows(IllegalStateException.class, () -> f(-1), \"why\").getMessage());",
                "assertArrayEquals(new int[] {1}, assertDoesNotThrow(() -> f(1)), \"why\");"
                        + " assertArrayEquals(new double[] {0.3}, new double[] {0.1 + 0.2}, 1e-9);",
                "assertIterableEquals(List.of(1), Set.of(1)); assertSame(\"fail(\", \"fail(\"); // fail()",
                "int n = f(1)[0] == 2 ? 1 : fail(); ",
                "assertEquals(2, f(1)[0], \"the first\");",
                "assertArrayEquals(new int[] {2}, f(1), () -> \"all\");",
                "assertThrowsExactly(RuntimeException.class, () -> f(-1));");
        assertThat(outcome.failures())
                .containsExactly(
                        null,
                        null,
                        null,
                        null,
                        "fail",
                        "the first: expected: 2, got: 1",
                        "all: expected: [2], got: [1]",
                        "expected: java.lang.RuntimeException, got: java.lang.IllegalStateException");
    }

    @ParameterizedTest
    @Tag("slow")
    @ValueSource(
            strings = {
                "public final class Solution { public int f(int a, int b) { return a + b; } }",
                "record Solution() { int f(int a, int b) { return a + b; } }",
                "record Solution(int c) { static int f(int a, int b) { return new Solution(a).c + b; } }",
                "enum Solution { ONE, TWO; static int f(int a, int b) { return a + b; } }",
                "interface Solution { static int f(int a, int b) { return a + b; } }",
                "abstract class Solution { static int f(int a, int b) { return a + b; } }",
                "sealed class Solution { int f(int a, int b) { return a + b; } } final class Other extends Solution {}",
                "class Solution { private int f(int a, int b) { return a + b; } private Solution() {} }",
                "class Solution { final int c; Solution(int c) { this.c = c; }"
                        + " static int f(int a, int b) { return new Solution(a).c + b; } }",
                "import java.util.function.IntBinaryOperator;\n// The sum.\nimport static java.lang.Math.*;\n\n"
                        + "int f(int a, int b) { IntBinaryOperator sum = (x, y) -> addExact(x, y); return sum.applyAsInt(a, b); }",
                "package a.b;\n\nimport java.util.List;\n\npublic class Solution {"
                        + " int f(int a, int b) { return List.of(a, b).stream().mapToInt(x -> x).sum(); } }",
                "/** Not a class Solution { */\nprivate static int f(int a, int b) { String s = \"}\"; char c = '{'; return a + b; }",
                "int f(int a, int b) { return a + b; } boolean equals(int a, int b) { return a == b; } // }",
            })
    void aProgramMayBeAnyKindOfClassOrItsMembers(String program) throws Exception {
        assertThat(run(program, ADDS.getFirst()).reason()).isEmpty();
    }

    @Test
    void errorsHaveTheLineOfTheProgram() throws Exception {
        assertThat(run("import java.util.List;\n\nint f(int a, int b) {\n    return a + c;\n}", ADDS.getFirst())
                        .reason())
                .startsWith("Solution:4: cannot find symbol");
    }

    @Test
    void limitsThatNoShellCanSetAreRefused() {
        assertThatThrownBy(() -> Isolation.find("echo it is lower >&2; exit 3"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("programs must run through a shell that sets their limits")
                .hasMessageContaining("got: exit code 3 (it is lower)");
    }

    @Test
    void theNoticeSaysWhatIsNotHidden() {
        Isolation isolation = new Isolation(Isolation.Kind.NAMESPACES);
        String home = System.getProperty("user.home");
        String temporary = System.getProperty("java.io.tmpdir");
        Path java = Path.of(System.getProperty("java.home"));
        try {
            System.setProperty("user.home", java.resolve("nobody").toString());
            assertThat(isolation.words()).endsWith(", home hidden, working folder hidden");
            System.setProperty("user.home", java.resolve("..").normalize().toString());
            assertThat(isolation.words()).contains(", home visible because the JDK lies in it, working folder hidden");
            System.setProperty("user.home", "/");
            assertThat(isolation.words()).contains(", home visible because the JDK lies in it");
            System.setProperty("user.home", java.resolve("nobody").toString());
            System.setProperty("java.io.tmpdir", java.resolve("nobody/tmp").toString());
            assertThat(isolation.words()).contains(", home visible because temporary files lie in it");
        } finally {
            System.setProperty("user.home", home);
            System.setProperty("java.io.tmpdir", temporary);
        }
    }

    /** What the system does is no verdict on a program. */
    @Test
    void aProcessThatEndsBeforeItComesToTheProgramIsAnError(@TempDir Path empty) throws Exception {
        String home = System.getProperty("java.home");
        run(doing(""), ADDS.getFirst());
        System.setProperty("java.home", empty.toString());
        try {
            assertThatThrownBy(() -> run(doing(""), ADDS.getFirst()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("exit code 127 before it began: ");
            try (JavaSandbox fresh = new JavaSandbox(LIMITS, FOUND)) {
                assertThatThrownBy(() -> fresh.run(doing(""), ADDS)).isInstanceOf(IOException.class);
            }
        } finally {
            System.setProperty("java.home", home);
        }
    }

    @Test
    @Tag("slow")
    void aCompilerThatTheSystemEndsIsStartedAgain() throws Exception {
        try (JavaSandbox sandbox = new JavaSandbox(LIMITS, FOUND)) {
            Set<ProcessHandle> others = compilers();
            sandbox.run(doing(""), ADDS);
            Set<ProcessHandle> ours = compilers();
            ours.removeAll(others);
            ProcessHandle compiler = ours.iterator().next();
            // Stopped, it cannot answer before it is killed.
            new ProcessBuilder("kill", "-STOP", String.valueOf(compiler.pid()))
                    .start()
                    .waitFor();
            FutureTask<JavaSandbox.Outcome> running = new FutureTask<>(() -> sandbox.run(doing(""), ADDS));
            new Thread(running).start();
            Thread.sleep(300);
            assertThat(running.isDone()).isFalse();
            compiler.destroyForcibly();
            assertThat(running.get().passed()).isEqualTo(1);
        }
    }

    private static Set<ProcessHandle> compilers() {
        return ProcessHandle.current()
                .children()
                .filter(child -> child.info().commandLine().orElse("").contains(SourceCompiler.class.getName()))
                .collect(Collectors.toSet());
    }

    @Test
    @Tag("slow")
    void aProgramThatTheCompilerHasNoMemoryForFails() throws Exception {
        String sixteen = "X+X+X+X+X+X+X+X+X+X+X+X+X+X+X+X";
        StringBuilder constants = new StringBuilder("static final String A = \"0123456789abcdef\"");
        for (char name = 'B'; name < 'H'; name++) {
            constants.append(", " + name + " = " + sixteen.replace('X', (char) (name - 1)));
        }
        JavaSandbox.Outcome outcome = run(constants + "; int f(int a, int b) { return a + b; }", ADDS.getFirst());
        assertThat(outcome.compiled()).isFalse();
        assertThat(outcome.compiled()).isFalse();
    }

    @Test
    @Tag("slow")
    void aProgramSeesTheJdkAlone() throws Exception {
        assertThat(run("int f(int a, int b) { return org.minpro.sandbox.JavaSandbox.LONGEST_SOURCE; }", ADDS.getFirst())
                        .reason())
                .isEqualTo("Solution:1: package org.minpro.sandbox does not exist");
    }

    @Test
    @Tag("slow")
    void assertionsOfAProgramsOwnChangeNothing() throws Exception {
        JavaSandbox.Outcome outcome = run(
                "int f(int a, int b) { return 0; }"
                        + " static void assertEquals(Object a, Object b) {} static void fail(String s) {}"
                        + " static class Objects { static boolean equals(Object a, Object b) { return true; } }",
                "assertEquals(5, f(2, 3));");
        assertThat(outcome.reason()).isEqualTo("expected: 5, got: 0");
        assertThat(run(
                                "class Solution { double f() { return 7; } }"
                                        + " class Math { static double abs(double a) { return 0; } }",
                                "assertEquals(5, f(), 0.1);")
                        .reason())
                .isEqualTo("expected: 5.0, got: 7.0");
    }

    @ParameterizedTest
    @Tag("slow")
    @CsvSource(
            delimiter = '|',
            value = {
                "while (true) {} | takes longer than 2.0 s",
                "Thread.sleep(60000); | takes longer than 2.0 s",
                "System.exit(0); | ended before its tests, exit code 0",
                "Runtime.getRuntime().halt(3); | ended before its tests, exit code 3",
                "while (true) { new java.io.FileOutputStream(java.io.FileDescriptor.out).write(new byte[9999]); } | writes too much",
                "byte[][] all = new byte[99][]; for (int i = 0; i < 99; i++) { all[i] = new byte[9 << 20]; } | OutOfMemoryError",
                "f(a, b); | StackOverflowError"
            })
    void aHostileProgramFailsAndEnds(String body, String reason) throws Exception {
        try (JavaSandbox sandbox = new JavaSandbox(new SandboxLimits(2, 10, 64, 2), FOUND)) {
            long start = System.nanoTime();
            JavaSandbox.Outcome outcome = sandbox.run(doing("if (a >= 0) { " + body + " }"), ADDS);
            assertThat(outcome.passed()).isZero();
            assertThat(outcome.reason()).contains(reason);
            assertThat((System.nanoTime() - start) / 1e9).isLessThan(30);
        }
    }

    @Test
    @Tag("slow")
    void threadsWithoutEndDieWithTheirProcess() throws Exception {
        JavaSandbox.Outcome outcome = run(
                doing("for (int i = 0; i < 100000; i++) { Thread t = new Thread(() -> { while (true) {} });"
                        + " t.start(); }"),
                ADDS.getFirst());
        assertThat(outcome.passed()).isZero();
        // Threads that go on do not hold up a program that is done.
        assertThat(run(doing("new Thread(() -> { while (true) {} }).start();"), ADDS.getFirst())
                        .passed())
                .isEqualTo(1);
    }

    @Test
    @Tag("slow")
    void aReportThatAProgramWritesItselfIsNotBelieved() throws Exception {
        JavaSandbox.Outcome outcome = run(
                doing("java.io.FileOutputStream out = new java.io.FileOutputStream(java.io.FileDescriptor.out);"
                        + " for (String word : System.getProperty(\"sun.java.command\").split(\" \"))"
                        + " out.write((\"\\n\" + word + \" 0 pass\\n0 pass\\n\").getBytes()); System.exit(0);"),
                ADDS.getFirst());
        assertThat(outcome.passed()).isZero();
    }

    @Test
    @Tag("slow")
    void aProgramHasNoNetworkWhereTheSystemAllowsIt() throws Exception {
        assumeTrue(FOUND.kind() != Isolation.Kind.NONE, FOUND.words());
        AtomicInteger reached = new AtomicInteger();
        try (ServerSocket server = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
            Thread accepting = new Thread(() -> {
                try {
                    server.accept();
                    reached.incrementAndGet();
                } catch (IOException e) {
                    // The test is over.
                }
            });
            accepting.start();
            JavaSandbox.Outcome outcome =
                    run(doing("new java.net.Socket(\"127.0.0.1\", " + server.getLocalPort() + ");"), ADDS.getFirst());
            assertThat(outcome.passed()).isZero();
            assertThat(reached).hasValue(0);
        }
    }

    @Test
    @Tag("slow")
    void aProgramSeesNeitherHomeNorWorkingFolderWithNamespaces() throws Exception {
        assumeTrue(FOUND.kind() == Isolation.Kind.NAMESPACES, FOUND.words());
        Path secret =
                Files.createTempFile(Path.of(System.getProperty("user.dir")).resolve("target"), "secret", ".txt");
        try {
            JavaSandbox.Outcome outcome = run(
                    doing("java.nio.file.Files.readString(java.nio.file.Path.of(\"" + secret + "\"));"),
                    ADDS.getFirst());
            assertThat(outcome.reason()).contains("NoSuchFileException");
        } finally {
            Files.delete(secret);
        }
        assertThat(run(
                                doing("if (System.getenv().size() > 6) throw new Exception(\"\" + System.getenv());"),
                                ADDS.getFirst())
                        .passed())
                .isEqualTo(1);
    }

    @Test
    @Tag("slow")
    void processesThatAProgramStartsDieWithIt() throws Exception {
        assumeTrue(FOUND.kind() == Isolation.Kind.NAMESPACES, FOUND.words());
        String mark = "86397." + ProcessHandle.current().pid();
        run(
                doing("new ProcessBuilder(\"/bin/sh\", \"-c\", \"setsid sleep " + mark + " &\").start().waitFor();"
                        + " Thread.sleep(300);"),
                ADDS.getFirst());
        try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
            assertThat(all.map(process -> process.info().commandLine().orElse("")))
                    .noneMatch(line -> line.contains("sleep " + mark));
        }
    }

    /** Runs a program that waits. */
    static final class Waiting {
        private Waiting() {}

        public static void main(String[] arguments) throws Exception {
            SandboxLimits limits = new SandboxLimits(120, 10, 64, 2);
            try (JavaSandbox sandbox = new JavaSandbox(limits, Isolation.find(limits))) {
                sandbox.run(doing("Thread.sleep(100000);"), ADDS);
            }
        }
    }

    @Test
    @Tag("slow")
    void aProgramDiesWithTheProcessThatRunsIt(@TempDir Path temporary) throws Exception {
        Process trainer = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-Djava.io.tmpdir=" + temporary,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Waiting.class.getName())
                .inheritIO()
                .start();
        try {
            List<ProcessHandle> started = List.of();
            while (started.stream().noneMatch(JavaSandboxTest::runsTests)) {
                assertThat(trainer.isAlive()).isTrue();
                Thread.sleep(50);
                started = trainer.descendants().toList();
            }
            // The program waits by then.
            Thread.sleep(500);
            assertThat(started).filteredOn(JavaSandboxTest::runsTests).allMatch(ProcessHandle::isAlive);
            trainer.destroyForcibly().waitFor();
            for (ProcessHandle process : started) {
                process.onExit().get(20, TimeUnit.SECONDS);
            }
        } finally {
            trainer.destroyForcibly();
        }
    }

    private static boolean runsTests(ProcessHandle process) {
        return process.info().commandLine().orElse("").contains(TestHarness.class.getName());
    }

    @Test
    @Tag("slow")
    void aProgramLeavesNoFolder() throws Exception {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"));
        long before = programs(folder);
        run(doing("java.nio.file.Files.createDirectories(java.nio.file.Path.of(\"x/y\"));"), ADDS.getFirst());
        assertThat(programs(folder)).isEqualTo(before);
    }

    /** What cannot be deleted easily is no way out of a verdict. */
    @ParameterizedTest
    @Tag("slow")
    @ValueSource(
            strings = {
                // Each path is short enough for the program, and too long behind the folder's own.
                "String deep = \"\"; for (int i = 0; i < 1330; i++) { deep += \"dd/\"; }"
                        + " java.nio.file.Files.createDirectories(java.nio.file.Path.of(deep));",
                "new ProcessBuilder(\"/bin/sh\", \"-c\","
                        + " \"n=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz; i=0;"
                        + " while [ $i -lt 150 ]; do mkdir $n; cd $n; i=$((i+1)); done; touch file\").start().waitFor();",
                "java.nio.file.Path p = java.nio.file.Path.of(\"x/y/z\"); java.nio.file.Files.createDirectories(p);"
                        + " p.toFile().setWritable(false); p.getParent().toFile().setReadable(false);"
                        + " p.getParent().getParent().toFile().setExecutable(false);",
                "java.nio.file.Files.createDirectories(java.nio.file.Path.of(\".deleted-0/.deleted-1/a\"));"
                        + " java.nio.file.Files.createSymbolicLink(java.nio.file.Path.of(\"root\"), java.nio.file.Path.of(\"/\"));"
            })
    void whateverAProgramLeavesGoesAndItsVerdictStays(String body) throws Exception {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"));
        long before = programs(folder);
        assertThat(run(doing(body), "assertEquals(6, f(2, 3));").reason()).isEqualTo("expected: 6, got: 5");
        assertThat(programs(folder)).isEqualTo(before);
    }

    @Test
    @Tag("slow")
    void aClassMayHaveANameThatNoFileHas() throws Exception {
        for (String name : List.of("A".repeat(300), "Zähler中")) {
            assertThat(run(
                                    "static class " + name + " { int sum(int a, int b) { return a + b; } }"
                                            + " int f(int a, int b) { return new " + name + "().sum(a, b); }",
                                    ADDS.getFirst())
                            .reason())
                    .isEmpty();
        }
    }

    private static long programs(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().startsWith("minpro-program"))
                    .count();
        }
    }
}
