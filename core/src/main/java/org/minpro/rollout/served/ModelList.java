package org.minpro.rollout.served;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * {@code /v1/models}: what a server serves by name, its model and the adapters that it has.
 *
 * @param url of the server
 * @param contexts most tokens of a prompt and its response, by name
 */
record ModelList(String url, Map<String, Integer> contexts) {
    static ModelList of(ServerConnection connection) {
        ServerConnection.Reply reply = connection.requiredGet("/v1/models", ServerConnection.SHORT);
        Map<String, Integer> contexts = new LinkedHashMap<>();
        for (JsonNode one : reply.json().path("data")) {
            contexts.put(one.path("id").asString(""), one.path("max_model_len").asInt(Integer.MAX_VALUE));
        }
        return new ModelList(connection.url(), contexts);
    }

    List<String> names() {
        return new ArrayList<>(contexts.keySet());
    }

    /**
     * Most tokens of a prompt and its response.
     *
     * @throws ServerException where the model is not served
     */
    int context(String model) {
        Integer context = contexts.get(model);
        if (context == null) {
            throw new ServerException(
                    ServerException.Kind.UNUSABLE,
                    url + " must serve the model '" + model + "' (rollout.model), got: " + names()
                            + "; start it with --served-model-name " + model);
        }
        return context;
    }
}
