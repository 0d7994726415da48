package org.minpro.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * What the system lets a child process be kept from. It is found by trying: first namespaces of the network, of processes and
 * of mounts, then of the network alone, then nothing.
 *
 * @param kind what was found
 */
public record Isolation(Kind kind) {
    private static final long TRIAL_SECONDS = 10;

    /** From the most to the least. */
    public enum Kind {
        /** No network, processes that die with their first, the user's folders hidden. */
        NAMESPACES(
                "no network, a process namespace that is killed as a whole, home and working folder hidden (unshare)",
                "unshare --user --map-root-user --net --pid --mount --fork --kill-child=KILL --mount-proc --"),
        /** No network. */
        NETWORK("no network (unshare); it sees the user's files", "unshare --user --map-root-user --net --"),
        /** Limits of time and memory alone. */
        NONE("limits of time and memory alone; it has the user's network and files", "");

        private final String words;
        private final String prefix;

        Kind(String words, String prefix) {
            this.words = words;
            this.prefix = prefix;
        }
    }

    /**
     * The best that works on this machine with these limits.
     *
     * @throws IllegalArgumentException if nothing does: there is no shell, or it cannot set a limit
     */
    public static Isolation find(SandboxLimits limits) {
        return find(limits.shell());
    }

    /** @param limits shell commands that set them */
    static Isolation find(String limits) {
        String failure = "";
        for (Kind kind : Kind.values()) {
            Isolation isolation = new Isolation(kind);
            failure = isolation.failure(limits);
            if (failure.isEmpty()) {
                return isolation;
            }
        }
        throw new IllegalArgumentException("programs must run through a shell that sets their limits (/bin/sh: "
                + limits + "), got: " + failure + "; lower the limits, or raise those of this process");
    }

    /** Why nothing runs this way with these limits; nothing where it does. */
    private String failure(String limits) {
        try {
            Path folder = Files.createTempDirectory("minpro-trial");
            try {
                Process trial = new ProcessBuilder(command(List.of("true"), folder, limits))
                        .redirectErrorStream(true)
                        .directory(folder.toFile())
                        .start();
                if (!trial.waitFor(TRIAL_SECONDS, TimeUnit.SECONDS)) {
                    trial.destroyForcibly();
                    return "no end within " + TRIAL_SECONDS + " s";
                }
                String said = new String(trial.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
                return trial.exitValue() == 0 ? "" : "exit code " + trial.exitValue() + " (" + said + ")";
            } finally {
                Files.delete(folder);
            }
        } catch (IOException e) {
            return e.toString();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return e.toString();
        }
    }

    /** In words. */
    public String words() {
        return kind.words;
    }

    /**
     * A command in isolation, through a shell that sets limits first.
     *
     * @param command that is run
     * @param folder that the command works in, which stays visible
     * @param limits a shell command, such as {@code ulimit -t 5}
     */
    List<String> command(List<String> command, Path folder, String limits) {
        List<String> all = new ArrayList<>(kind.prefix.isEmpty() ? List.of() : List.of(kind.prefix.split(" ")));
        StringBuilder script = new StringBuilder();
        if (kind == Kind.NAMESPACES) {
            for (Path hidden : hidden(folder)) {
                script.append("mount -t tmpfs -o ro,size=4k none ")
                        .append(quoted(hidden.toString()))
                        .append(" && ");
            }
        }
        script.append(limits).append(" && exec \"$@\"");
        all.addAll(List.of("/bin/sh", "-c", script.toString(), "sh"));
        all.addAll(command);
        return all;
    }

    /** Home and working folder, unless what the child needs lies in them. */
    private static List<Path> hidden(Path folder) {
        Set<Path> hidden = new LinkedHashSet<>();
        Path java = Path.of(System.getProperty("java.home")).toAbsolutePath().normalize();
        for (String property : List.of("user.home", "user.dir")) {
            Path candidate =
                    Path.of(System.getProperty(property)).toAbsolutePath().normalize();
            boolean needed = java.startsWith(candidate)
                    || folder.toAbsolutePath().normalize().startsWith(candidate)
                    || candidate.getNameCount() == 0;
            boolean inside = hidden.stream().anyMatch(candidate::startsWith);
            if (!needed && !inside && Files.isDirectory(candidate)) {
                hidden.add(candidate);
            }
        }
        return List.copyOf(hidden);
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
