package org.minpro.serve;

import org.jspecify.annotations.Nullable;

/** A request that is not answered with a completion; its message is the one line that the client gets. */
final class RefusedRequestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final @Nullable String field;

    /**
     * @param status of HTTP
     * @param field of the request that is wrong, or null
     */
    RefusedRequestException(int status, @Nullable String field, String message) {
        super(message);
        this.status = status;
        this.field = field;
    }

    static RefusedRequestException bad(String field, String message) {
        return new RefusedRequestException(400, field, message);
    }

    int status() {
        return status;
    }

    @Nullable String field() {
        return field;
    }

    /** As OpenAI names the kind. */
    String type() {
        return switch (status) {
            case 401, 403 -> "authentication_error";
            case 429 -> "rate_limit_error";
            case 500, 503 -> "server_error";
            default -> "invalid_request_error";
        };
    }
}
