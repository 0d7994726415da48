package org.minpro.sandbox;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;

/**
 * Runs tests in a child process and reports each on standard output, behind a word that only the parent knows. It ends where
 * its parent ends. It depends on the JDK alone: its class file is copied beside the tests.
 */
public final class TestHarness {
    private static final int LONGEST_MESSAGE = 200;

    private TestHarness() {}

    /**
     * @param arguments the class with the tests, how many it has, what ends their names and that of the assertions
     * @throws Exception of the harness's own
     */
    public static void main(String[] arguments) throws Exception {
        InputStream parent = new FileInputStream(FileDescriptor.in);
        // The word must stand nowhere that tests could read it: not among the arguments, in a field or in a stream's
        // buffer.
        String word = line(parent);
        Thread watch = new Thread(() -> endWith(parent), "parent");
        watch.setDaemon(true);
        watch.start();
        PrintStream report = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setIn(InputStream.nullInputStream());
        System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
        report.println(begun(word));
        int count = Integer.parseInt(arguments[1]);
        // Loaded before any of the program runs, which could write other classes into its folder.
        Class<?> tests = Class.forName(arguments[0], false, TestHarness.class.getClassLoader());
        for (Class<?> nested : Class.forName("Check" + arguments[2]).getDeclaredClasses()) {
            Class.forName(nested.getName());
        }
        for (int i = 0; i < count; i++) {
            String outcome = "pass";
            try {
                Method test = tests.getDeclaredMethod("test" + i + arguments[2]);
                test.setAccessible(true);
                test.invoke(null);
            } catch (InvocationTargetException e) {
                outcome = "fail " + message(e.getCause() == null ? e : e.getCause());
            } catch (ReflectiveOperationException | LinkageError e) {
                outcome = "fail " + message(e);
            }
            // Behind whatever the program has written itself.
            report.print("\n" + word + " " + i + " " + outcome + "\n");
        }
        // Threads of the tests do not hold it up.
        Runtime.getRuntime().halt(0);
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
            line.append((char) b);
        }
        return line.toString();
    }

    /** The parent says nothing more: its end of the pipe closes once it has gone, and then nobody waits for the program. */
    private static void endWith(InputStream parent) {
        try {
            parent.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            // Whatever closed it, there is no parent to report to.
        }
        Runtime.getRuntime().halt(1);
    }

    /** The line before the tests: without it whatever ended the process is not the program's doing. */
    static String begun(String word) {
        return word + " begins";
    }

    private static String message(Throwable thrown) {
        String text;
        try {
            text = thrown instanceof AssertionError && thrown.getMessage() != null
                    ? thrown.getMessage()
                    : String.valueOf(thrown);
        } catch (RuntimeException | StackOverflowError e) {
            text = thrown.getClass().getName();
        }
        String line = text.replaceAll("\\s+", " ");
        return line.substring(0, Math.min(LONGEST_MESSAGE, line.length()));
    }
}
