package org.minpro.rollout.served;

import java.util.ArrayList;
import java.util.List;
import org.minpro.rollout.SamplingParams;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the JSON of vLLM's and of SGLang's generations has in common. */
final class GenerationJson {
    private GenerationJson() {}

    static void put(ObjectNode request, String name, int[] ids) {
        ArrayNode array = request.putArray(name);
        for (int id : ids) {
            array.add(id);
        }
    }

    /** Puts what both name alike: temperature, the masses of truncation, stop ids. */
    static void put(ObjectNode sampling, SamplingParams params) {
        sampling.put("temperature", params.greedy() ? 0 : params.temperature());
        sampling.put("top_p", params.topP());
        sampling.put("min_p", params.minP());
        ArrayNode stop = sampling.putArray("stop_token_ids");
        params.stopIds().forEach(stop::add);
    }

    /** Token ids; -1 where one is no number. */
    static int[] ids(JsonNode tokens) {
        int[] ids = new int[tokens.size()];
        for (int t = 0; t < ids.length; t++) {
            ids[t] = tokens.get(t).asInt(-1);
        }
        return ids;
    }

    /** Which weights wrote which tokens, from a node's {@code weight_versions}; empty where there are none. */
    static List<InferenceServer.Span> spans(JsonNode node) {
        List<InferenceServer.Span> spans = new ArrayList<>();
        node.path("weight_versions")
                .forEach(span -> spans.add(new InferenceServer.Span(
                        span.path("version").asString(""),
                        span.path("start").asInt(-1),
                        span.path("end").asInt(-1))));
        return spans;
    }
}
