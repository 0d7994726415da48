package org.minpro.spark;

import java.io.IOException;
import java.util.Arrays;

/**
 * Runs a main class in a process that ends at once when the one that started it is gone, whatever ended that: nobody would
 * wait for the process of a lost executor, and the next one could not open the run's folder.
 */
public final class EndsWithParent {
    private static final int FAILED = 1;

    private EndsWithParent() {}

    /** @param arguments the name of the main class, and its own */
    public static void main(String[] arguments) throws ReflectiveOperationException {
        Thread watch = new Thread(EndsWithParent::awaitEnd, "minpro-parent");
        watch.setDaemon(true);
        watch.start();
        Class.forName(arguments[0]).getMethod("main", String[].class).invoke(null, (Object)
                Arrays.copyOfRange(arguments, 1, arguments.length));
    }

    /** The other end of standard input closes with the process that holds it. */
    private static void awaitEnd() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is said there.
            }
        } catch (IOException e) {
            Runtime.getRuntime().halt(FAILED);
        }
        Runtime.getRuntime().halt(FAILED);
    }
}
