package org.minpro.kernels;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * Tells the JVM to compile each kernel by itself. C2 stops inlining in a method that has grown too large
 * (NodeCountInliningCutoff), and from there on allocates every vector: 4 to 40 times slower. It grows too large when several
 * kernels are inlined into their caller, which depends on what ran before.
 *
 * <p>The JVM's own way to say so are compiler directives (JEP 165), here given by the running program, so that no option is needed.
 */
final class Inlining {
    /**
     * Operations on single vectors belong into their kernels, and the kernels into no caller. For C2 alone: C1 runs out of
     * registers in what it would then have to compile, and the kernel stays interpreted.
     */
    private static final String DIRECTIVES = """
            [{match: "*.*", c2: {inline: ["+org/minpro/kernels/Vectors.*", "-org/minpro/kernels/*.*"]}}]
            """;

    private Inlining() {}

    /** Whether the JVM took the directives; another one than HotSpot has none, and computes the same, perhaps more slowly. */
    static boolean separateKernels() {
        try {
            Path file = Files.createTempFile("minpro-inlining", ".json");
            try {
                Files.writeString(file, DIRECTIVES);
                ManagementFactory.getPlatformMBeanServer()
                        .invoke(
                                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                                "compilerDirectivesAdd",
                                new Object[] {new String[] {"\"" + file + "\""}},
                                new String[] {String[].class.getName()});
                return true;
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException | JMException e) {
            System.getLogger(Inlining.class.getName())
                    .log(System.Logger.Level.DEBUG, "kernels may be slower: the JVM takes no compiler directives", e);
            return false;
        }
    }
}
