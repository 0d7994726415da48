package org.minpro.web;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * A server that has its address and does not answer yet.
 *
 * @param server to be given its answers and started
 * @param access who may ask it
 */
public record BoundServer(HttpServer server, Access access) {
    /**
     * Takes an address.
     *
     * @param host address to listen on; on one that is not a loopback address a key is needed
     * @param port 0 takes a free one
     * @param backlog connections that may wait; 0 for the system's number
     * @param key that must be shown on any address; null makes one up where one is needed
     * @throws IllegalArgumentException where it cannot be had; the message names {@code --host} or {@code --port}
     */
    public static BoundServer at(String host, int port, int backlog, @Nullable String key) {
        try {
            InetAddress address = InetAddress.getByName(host);
            HttpServer server = HttpServer.create(new InetSocketAddress(address, port), backlog);
            return new BoundServer(
                    server, Access.of(host, address, server.getAddress().getPort(), key));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("--host must be an address of this machine, got: " + host, e);
        } catch (BindException e) {
            throw new IllegalArgumentException(
                    "--port must be free, got: " + port + " on " + host + " (" + e.getMessage()
                            + "); --port 0 takes a free one",
                    e);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "--host must be an address of this machine, got: " + host + " (" + e.getMessage() + ")", e);
        }
    }
}
