package org.minpro.config;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An address of a service as it is written in a recipe. {@code ${NAME}} stands for an environment variable.
 *
 * <p>Its text may hold secrets, in the user before the host and in the query. {@link #toString} has {@code ***} in their
 * place; only {@link #written} has all of it.
 */
public final class Address {
    private static final String HIDDEN = "***";
    private static final Pattern PARTS =
            Pattern.compile("(?s)([A-Za-z][A-Za-z0-9+.-]*://)(?:([^/?#]*)@)?([^?#]*)(\\?[^#]*)?.*");

    private final String text;

    private Address(String text) {
        this.text = text;
    }

    public static Address of(String text) {
        return new Address(text);
    }

    /** The whole text, with what may be secret. */
    public String written() {
        return text;
    }

    /**
     * The address with the variables' values. Those of the query are percent-encoded.
     *
     * @throws IllegalArgumentException if a variable is not set or it is no address; no message has a secret in it
     */
    public URI resolved(UnaryOperator<@Nullable String> variables) {
        int query = text.indexOf('?');
        String before = query < 0 ? text : text.substring(0, query);
        String whole = Variables.resolved("url", before, variables);
        if (query >= 0) {
            whole += Variables.resolved("url", text.substring(query), name -> {
                String value = variables.apply(name);
                return value == null ? null : URLEncoder.encode(value, StandardCharsets.UTF_8);
            });
        }
        try {
            return URI.create(whole);
        } catch (IllegalArgumentException e) {
            // Without the cause, whose message has the address.
            throw new IllegalArgumentException("url must be an address, got: " + this);
        }
    }

    /** What must not be shown: the user, and the values of the query. */
    public Set<String> secrets(UnaryOperator<@Nullable String> variables) {
        Set<String> secrets = new LinkedHashSet<>();
        URI uri = resolved(variables);
        for (String part :
                new @Nullable String[] {uri.getRawUserInfo(), uri.getUserInfo(), uri.getRawQuery(), uri.getQuery()}) {
            if (part != null) {
                secrets.add(part);
                Arrays.stream(part.split("[&:]"))
                        .forEach(piece -> secrets.add(piece.substring(piece.indexOf('=') + 1)));
            }
        }
        return secrets;
    }

    /** Whether the text itself has a user or a query whose value is not a variable's. */
    public boolean hasSecrets() {
        return !toString().equals(text);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Address address && text.equals(address.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** The text with {@code ***} for the user and the values of the query, unless they are names of variables. */
    @Override
    public String toString() {
        Matcher parts = PARTS.matcher(text);
        if (!parts.matches()) {
            return text.replaceAll("[^/]*@", HIDDEN + "@").replaceAll("(?s)\\?.*", "?" + HIDDEN);
        }
        String user = parts.group(2);
        String query = parts.group(4);
        return parts.group(1)
                + (user == null ? "" : hidden(user.split(":", -1), ":") + "@")
                + parts.group(3)
                + (query == null ? "" : "?" + hidden(query.substring(1).split("&", -1), "&"));
    }

    private static String hidden(String[] pieces, String separator) {
        return Arrays.stream(pieces)
                .map(piece -> {
                    int equals = piece.indexOf('=');
                    String value = piece.substring(equals + 1);
                    return piece.substring(0, equals + 1) + (Variables.isName(value) ? value : HIDDEN);
                })
                .collect(Collectors.joining(separator));
    }
}
