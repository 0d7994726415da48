package org.minpro.data;

/** One message of a conversation: who speaks ({@code system}, {@code user}, {@code assistant}) and what is said. */
public record Message(String role, String content) {}
