package org.minpro.run;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The process that works on a run, as the lock file of the run's folder names it: so that others can see whether it still
 * does without asking for the lock.
 *
 * @param pid of the process
 * @param started when the process began, seconds since 1970; 0 where the system does not say
 * @param host it runs on
 */
public record RunProcess(long pid, long started, String host) {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** This process. */
    static RunProcess current() {
        ProcessHandle process = ProcessHandle.current();
        return new RunProcess(process.pid(), started(process), thisHost());
    }

    /** The process that the folder names; empty where nobody works on the run, or where it ended in order. */
    public static Optional<RunProcess> of(Path folder) {
        try {
            JsonNode node = JSON.readTree(Files.readString(new RunFiles(folder).lock()));
            return node.path("pid").isNumber()
                    ? Optional.of(new RunProcess(
                            node.path("pid").longValue(),
                            node.path("started").longValue(0),
                            node.path("host").stringValue("")))
                    : Optional.empty();
        } catch (IOException | JacksonException e) {
            return Optional.empty();
        }
    }

    /** Whether it is a process of this machine. */
    public boolean isHere() {
        return host.equals(thisHost());
    }

    /** Whether it still runs, as far as this machine knows. */
    public boolean isAlive() {
        return isHere()
                && ProcessHandle.of(pid)
                        .filter(ProcessHandle::isAlive)
                        .map(process -> started == 0 || started(process) == started)
                        .orElse(false);
    }

    void write(FileChannel channel) throws IOException {
        String text = JSON.writeValueAsString(
                JSON.createObjectNode().put("pid", pid).put("started", started).put("host", host));
        channel.truncate(0);
        channel.write(ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)), 0);
    }

    private static long started(ProcessHandle process) {
        return process.info().startInstant().map(Instant::getEpochSecond).orElse(0L);
    }

    private static String thisHost() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
