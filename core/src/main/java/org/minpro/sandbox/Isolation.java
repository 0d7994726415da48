package org.minpro.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

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
        /** No network, processes that die with their first, the user's folders hidden as far as they can be. */
        NAMESPACES(
                "no network (unshare), a process namespace that is killed as a whole",
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

    /** In words: what programs are kept from, and what of the user's folders they see all the same. */
    public String words() {
        if (kind != Kind.NAMESPACES) {
            return kind.words;
        }
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        return kind.words
                + usersFolders().entrySet().stream()
                        .map(entry -> {
                            String why = whyVisible(entry.getValue(), temporary);
                            return ", " + entry.getKey() + (why.isEmpty() ? " hidden" : " visible because " + why);
                        })
                        .collect(Collectors.joining());
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

    /** Home and working folder, as far as they are there and may be hidden. */
    private static List<Path> hidden(Path folder) {
        List<Path> hidden = new ArrayList<>();
        for (Path candidate : usersFolders().values()) {
            boolean inside = hidden.stream().anyMatch(candidate::startsWith);
            if (whyVisible(candidate, folder).isEmpty() && !inside && Files.isDirectory(candidate)) {
                hidden.add(candidate);
            }
        }
        return hidden;
    }

    private static SequencedMap<String, Path> usersFolders() {
        SequencedMap<String, Path> folders = new LinkedHashMap<>();
        folders.put("home", real(Path.of(System.getProperty("user.home"))));
        folders.put("working folder", real(Path.of(System.getProperty("user.dir"))));
        return folders;
    }

    /** What a program needs of one of the user's folders; nothing where it can be hidden. */
    private static String whyVisible(Path candidate, Path folder) {
        if (real(Path.of(System.getProperty("java.home"))).startsWith(candidate)) {
            return "the JDK lies in it";
        }
        return real(folder).startsWith(candidate) ? "temporary files lie in it" : "";
    }

    /** Without symbolic links, which a folder may be reached through. */
    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path.toAbsolutePath().normalize();
        }
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
