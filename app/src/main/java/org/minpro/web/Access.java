package org.minpro.web;

import com.sun.net.httpserver.Headers;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may read: on a loopback address whoever names it as the host, so that no page of another site reads through a browser;
 * on any other address whoever has the token too.
 *
 * @param host that the server is bound to, as it was given
 * @param port that it is bound to
 * @param token that must be shown, or null where none is needed
 */
public record Access(String host, int port, @Nullable String token) {
    private static final String COOKIE = "minpro_token";
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    /** What is done with a request. */
    public enum Verdict {
        ALLOWED,
        /** The token came in the address: it becomes a cookie, and leaves the address. */
        TOKEN_GIVEN,
        WRONG_HOST,
        WRONG_ORIGIN,
        NO_TOKEN
    }

    /** @param key that must be shown on any address; null makes one up where one is needed */
    static Access of(String host, InetAddress address, int port, @Nullable String key) {
        return new Access(host, port, key != null ? key : address.isLoopbackAddress() ? null : newToken());
    }

    private static String newToken() {
        byte[] bytes = new byte[18];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** What is done with a request of this address and these headers. */
    public Verdict verdict(URI uri, Headers headers) {
        String named = headers.getFirst("Host");
        if (named == null || token == null && !isOurs(named)) {
            return Verdict.WRONG_HOST;
        }
        String origin = headers.getFirst("Origin");
        String site = headers.getFirst("Sec-Fetch-Site");
        // A link from elsewhere may be followed; another site's page may not read what is behind it.
        boolean navigates = "navigate".equals(headers.getFirst("Sec-Fetch-Mode"));
        if (origin != null && !origin.equals("http://" + named)
                || site != null && !site.equals("same-origin") && !site.equals("none") && !navigates) {
            return Verdict.WRONG_ORIGIN;
        }
        if (token == null) {
            return Verdict.ALLOWED;
        }
        String query = uri.getRawQuery();
        if (query != null && query.startsWith("token=") && isToken(query.substring("token=".length()))) {
            return Verdict.TOKEN_GIVEN;
        }
        String bearer = headers.getFirst("Authorization");
        if (bearer != null && bearer.startsWith("Bearer ") && isToken(bearer.substring("Bearer ".length()))) {
            return Verdict.ALLOWED;
        }
        for (String header : headers.getOrDefault("Cookie", java.util.List.of())) {
            for (String cookie : header.split(";\\s*")) {
                if (cookie.startsWith(COOKIE + "=") && isToken(cookie.substring(COOKIE.length() + 1))) {
                    return Verdict.ALLOWED;
                }
            }
        }
        return Verdict.NO_TOKEN;
    }

    private boolean isOurs(String named) {
        String lower = named.toLowerCase(Locale.ROOT);
        String suffix = ":" + port;
        if (!lower.endsWith(suffix)) {
            return false;
        }
        String name = lower.substring(0, lower.length() - suffix.length());
        return LOOPBACK.contains(name) || name.equals(host.toLowerCase(Locale.ROOT));
    }

    private boolean isToken(String given) {
        return token != null
                && MessageDigest.isEqual(
                        given.getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
    }

    /** The cookie of a token that was given. */
    public String cookie() {
        return COOKIE + "=" + token + "; Path=/; HttpOnly; SameSite=Strict";
    }

    /** The address to open. */
    public String url() {
        return address() + (token == null ? "" : "?token=" + token);
    }

    /** The address without a token, a slash at its end. */
    public String address() {
        String name = host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        return "http://" + name + ":" + port + "/";
    }
}
