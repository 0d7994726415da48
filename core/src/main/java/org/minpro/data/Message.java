package org.minpro.data;

/**
 * One message of a conversation, as a chat template takes it.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, {@code tool}
 * @param content the text
 */
public record Message(String role, String content) {
    public Message {
        if (role.isBlank()) {
            throw new IllegalArgumentException("role must not be blank, got: '" + role + "'");
        }
    }
}
