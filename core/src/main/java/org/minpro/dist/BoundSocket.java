package org.minpro.dist;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket on one address, by its file descriptor: c10d's TCPStore alone would listen on every interface.
 *
 * <p>Java does not tell a socket's descriptor. On Linux {@code /proc} does: the table of TCP sockets gives the inode of the one
 * that listens at the address, and the links of {@code /proc/self/fd} the descriptor of that inode.
 */
final class BoundSocket {
    private static final Path PROC = Path.of("/proc/self");

    /** The state of a listening socket in the kernel's table. */
    private static final String LISTENING = "0A";

    /** Never closed from here: c10d closes the descriptor, which another file may have by then. */
    private final ServerSocketChannel channel;

    private final OptionalInt descriptor;

    private BoundSocket(ServerSocketChannel channel, OptionalInt descriptor) {
        this.channel = channel;
        this.descriptor = descriptor;
    }

    /** @param port 0 takes a free one */
    static BoundSocket listen(String host, int port) {
        ServerSocketChannel channel = null;
        try {
            channel = ServerSocketChannel.open();
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            channel.bind(new InetSocketAddress(host, port));
            return new BoundSocket(channel, descriptor(channel.socket().getLocalPort()));
        } catch (IOException | RuntimeException e) {
            close(channel);
            throw new IllegalArgumentException(
                    "MASTER_ADDR and MASTER_PORT must be an address of rank 0's machine and a free port, got: " + host
                            + ":" + port + " (" + e.getMessage() + ")",
                    e);
        }
    }

    private static void close(@Nullable ServerSocketChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    int port() {
        return channel.socket().getLocalPort();
    }

    /** Empty where the system does not tell it. */
    OptionalInt descriptor() {
        return descriptor;
    }

    /** Frees the port for c10d to listen at. */
    void giveUp() {
        close(channel);
    }

    private static OptionalInt descriptor(int port) throws IOException {
        String suffix = String.format(Locale.ROOT, ":%04X", port);
        for (String table : new String[] {"net/tcp", "net/tcp6"}) {
            Path file = PROC.resolve(table);
            if (!Files.isReadable(file)) {
                continue;
            }
            for (String line : Files.readAllLines(file)) {
                String[] fields = line.strip().split("\\s+");
                if (fields.length > 9 && fields[1].endsWith(suffix) && fields[3].equals(LISTENING)) {
                    OptionalInt found = descriptorOf("socket:[" + fields[9] + "]");
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return OptionalInt.empty();
    }

    private static OptionalInt descriptorOf(String target) throws IOException {
        try (DirectoryStream<Path> links = Files.newDirectoryStream(PROC.resolve("fd"))) {
            for (Path link : links) {
                if (target.equals(targetOf(link))) {
                    return OptionalInt.of(Integer.parseInt(link.getFileName().toString()));
                }
            }
        }
        return OptionalInt.empty();
    }

    /** Empty where it was closed while the folder was read. */
    private static String targetOf(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }
}
