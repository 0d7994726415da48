package org.minpro.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.minpro.rollout.Sampling;
import org.minpro.rollout.SamplingParams;
import org.minpro.text.ChatOptions;
import org.minpro.text.TextException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a client asks for, checked.
 *
 * @param chat whether it is a conversation's next message
 * @param prompts token ids of each prompt; one in a chat
 * @param samples completions of each prompt
 * @param params how tokens are drawn
 * @param seed of their random numbers
 * @param logProbs whether log-probabilities are wanted
 * @param alternatives how many of the most probable tokens beside each
 * @param stream whether tokens are sent as they come
 * @param usage whether a stream ends with the numbers of tokens
 * @param tokenIds whether token ids are wanted
 * @param tokensAsIds whether a token's text is {@code token_id:N}
 */
record CompletionRequest(
        boolean chat,
        List<int[]> prompts,
        int samples,
        SamplingParams params,
        long seed,
        boolean logProbs,
        int alternatives,
        boolean stream,
        boolean usage,
        boolean tokenIds,
        boolean tokensAsIds) {
    /** OpenAI's limit of a completion that says none. */
    private static final int USUAL_TOKENS = 16;

    private static final int MOST_ALTERNATIVES = 20;
    private static final int MOST_STOPS = 16;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Members that change nothing in what is generated here. */
    private static final String[] WITHOUT_EFFECT = {
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "parallel_tool_calls",
        "request_id",
        "priority"
    };

    /**
     * @param model that is asked
     * @param most responses that a request may ask for in all
     */
    static CompletionRequest read(RequestFields fields, boolean chat, ServedModel model, int most) {
        requireModel(fields, model);
        fields.ignore(WITHOUT_EFFECT);
        requireNothingElse(fields, chat);
        List<int[]> prompts = chat ? List.of(conversation(fields, model)) : prompts(fields, model);
        int longest = 0;
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw RefusedRequestException.bad(
                        chat ? "messages" : "prompt", "a prompt must have at least one token, got: none");
            }
            longest = Math.max(longest, prompt.length);
        }
        Long samples = fields.whole("n", 1, most);
        if (samples != null && samples * prompts.size() > most || prompts.size() > most) {
            throw RefusedRequestException.bad(
                    "n",
                    "n times the number of prompts must be at most " + most + ", got: "
                            + (samples == null ? 1 : samples) + " times " + prompts.size());
        }
        boolean chatLogProbs = chat && fields.flag("logprobs");
        Long alternatives = fields.whole(chat ? "top_logprobs" : "logprobs", 0, MOST_ALTERNATIVES);
        if (chat && alternatives != null && !chatLogProbs) {
            throw RefusedRequestException.bad("top_logprobs", "top_logprobs needs logprobs: true");
        }
        boolean stream = fields.flag("stream");
        boolean usage = false;
        JsonNode options = fields.node("stream_options");
        if (options != null) {
            if (!stream) {
                throw RefusedRequestException.bad("stream_options", "stream_options needs stream: true");
            }
            usage = options.path("include_usage").asBoolean(false);
        }
        Long seed = fields.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE);
        CompletionRequest request = new CompletionRequest(
                chat,
                prompts,
                samples == null ? 1 : Math.toIntExact(samples),
                params(fields, chat, model, model.context() - longest, longest),
                seed == null ? ThreadLocalRandom.current().nextLong() : seed,
                chat ? chatLogProbs : alternatives != null,
                alternatives == null ? 0 : Math.toIntExact(alternatives),
                stream,
                usage,
                fields.flag("return_token_ids"),
                fields.flag("return_tokens_as_token_ids"));
        fields.requireAllKnown();
        return request;
    }

    private static void requireModel(RequestFields fields, ServedModel model) {
        String asked = fields.text("model");
        if (asked != null && !asked.equals(model.name())) {
            throw new RefusedRequestException(
                    404, "model", "model must be '" + model.name() + "', got: '" + asked + "'");
        }
    }

    private static void requireNothingElse(RequestFields fields, boolean chat) {
        for (String name : List.of("presence_penalty", "frequency_penalty", "logit_bias")) {
            fields.requireNothing(name, "");
        }
        if (chat) {
            for (String name : List.of("tools", "functions", "audio", "modalities")) {
                fields.requireNothing(name, "[\"text\"]");
            }
            fields.requireNothing("tool_choice", "\"none\"");
            fields.requireNothing("response_format", "{\"type\":\"text\"}");
        } else {
            fields.requireNothing("echo", "");
            fields.requireNothing("suffix", "\"\"");
            fields.requireNothing("best_of", "1");
        }
    }

    /** @param room tokens that the longest prompt leaves */
    private static SamplingParams params(RequestFields fields, boolean chat, ServedModel model, int room, int longest) {
        String field = "max_tokens";
        Long limit = fields.whole(field, 1, Integer.MAX_VALUE);
        Long newer = chat ? fields.whole("max_completion_tokens", 1, Integer.MAX_VALUE) : null;
        if (newer != null) {
            limit = newer;
            field = "max_completion_tokens";
        }
        if (room < 1 || limit != null && limit > room) {
            throw RefusedRequestException.bad(
                    field,
                    "the prompt (" + longest + " tokens) and " + field + " (" + (limit == null ? 1 : limit)
                            + ") must be at most " + model.context() + " tokens in all");
        }
        int tokens = limit != null ? Math.toIntExact(limit) : chat ? room : Math.min(room, USUAL_TOKENS);
        double temperature = fields.number("temperature", 1);
        if (!(temperature >= 0 && temperature <= 100)) {
            throw RefusedRequestException.bad(
                    "temperature",
                    "temperature must be in [0, 100] (0 takes the most probable token), got: " + temperature);
        }
        Long topK = fields.whole("top_k", -1, Integer.MAX_VALUE);
        double topP = fields.number("top_p", 1);
        double minP = fields.number("min_p", 0);
        if (!(topP > 0 && topP <= 1)) {
            throw RefusedRequestException.bad("top_p", "top_p must be in (0, 1], got: " + topP);
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw RefusedRequestException.bad("min_p", "min_p must be in [0, 1], got: " + minP);
        }
        List<Integer> stopIds = new ArrayList<>();
        JsonNode ids = fields.node("stop_token_ids");
        if (ids != null) {
            if (!ids.isArray()) {
                throw RequestFields.wrong("stop_token_ids", "a list of token ids", ids);
            }
            for (int id : RequestFields.ids("stop_token_ids", ids, model.vocabulary())) {
                stopIds.add(id);
            }
        }
        Sampling sampling = new Sampling(
                temperature == 0 ? 1 : temperature,
                topK == null || topK < 0 ? 0 : Math.toIntExact(topK),
                topP,
                minP,
                tokens,
                List.of(),
                fields.texts("stop", MOST_STOPS),
                false);
        // What the client asks for ends a response even where the model's own ids do not.
        TreeSet<Integer> all = new TreeSet<>(stopIds);
        if (!fields.flag("ignore_eos")) {
            all.addAll(model.eosIds());
        }
        return new SamplingParams(
                sampling.temperature(),
                sampling.topK(),
                sampling.topP(),
                sampling.minP(),
                tokens,
                List.copyOf(all),
                sampling.stop(),
                temperature == 0);
    }

    /** A text, texts, ids or lists of ids. */
    private static List<int[]> prompts(RequestFields fields, ServedModel model) {
        String rule = "a text, a list of texts, a list of token ids, or a list of such lists";
        JsonNode prompt = fields.node("prompt");
        if (prompt == null) {
            throw RefusedRequestException.bad("prompt", "prompt must be " + rule + ", got: none");
        }
        if (prompt.isString()) {
            return List.of(model.encode("prompt", prompt.stringValue()));
        }
        if (!prompt.isArray() || prompt.isEmpty()) {
            throw RequestFields.wrong("prompt", rule, prompt);
        }
        if (prompt.get(0).isNumber()) {
            return List.of(RequestFields.ids("prompt", prompt, model.vocabulary()));
        }
        List<int[]> prompts = new ArrayList<>();
        for (JsonNode one : prompt) {
            if (!one.isString() && !one.isArray()) {
                throw RequestFields.wrong("prompt", rule, prompt);
            }
            prompts.add(
                    one.isString()
                            ? model.encode("prompt", one.stringValue())
                            : RequestFields.ids("prompt", one, model.vocabulary()));
        }
        return prompts;
    }

    private static int[] conversation(RequestFields fields, ServedModel model) {
        JsonNode given = fields.node("messages");
        if (given == null || !given.isArray() || given.isEmpty()) {
            throw RequestFields.wrong("messages", "a list of at least one message", given);
        }
        List<Map<String, ?>> messages = new ArrayList<>();
        for (JsonNode message : given) {
            if (!message.path("role").isString()) {
                throw RequestFields.wrong("messages", "of objects with a role", message);
            }
            for (JsonNode part : message.path("content").isArray() ? message.path("content") : List.<JsonNode>of()) {
                if (!"text".equals(part.path("type").stringValue(""))) {
                    throw RequestFields.wrong("messages", "of text alone", part);
                }
            }
            Map<String, Object> members = new LinkedHashMap<>();
            message.properties().forEach(member -> {
                if (!member.getValue().isNull()) {
                    members.put(member.getKey(), JSON.convertValue(member.getValue(), Object.class));
                }
            });
            messages.add(members);
        }
        Map<String, @Nullable Object> options = new LinkedHashMap<>();
        for (String name :
                List.of("documents", "add_generation_prompt", "continue_final_message", "chat_template_kwargs")) {
            JsonNode value = fields.node(name);
            if (value != null) {
                options.put(name, JSON.convertValue(value, Object.class));
            }
        }
        try {
            return model.encode("messages", model.template().render(messages, ChatOptions.of(options, true)));
        } catch (TextException e) {
            throw RefusedRequestException.bad("messages", String.valueOf(e.getMessage()));
        }
    }
}
