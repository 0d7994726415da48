package org.minpro.serve;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.minpro.rollout.ContinuousBatch;
import org.minpro.rollout.Rollout;
import org.minpro.text.TextStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The answer to a request as its tokens come: one JSON object in the end, or one for each event of a stream. */
final class CompletionAnswer {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final CompletionRequest request;
    private final ServedModel model;
    private final String id;
    private final long created = System.currentTimeMillis() / 1000;
    private final List<Choice> choices = new ArrayList<>();
    private int left;

    CompletionAnswer(CompletionRequest request, ServedModel model) {
        this.request = request;
        this.model = model;
        this.id = (request.chat() ? "chatcmpl-" : "cmpl-")
                + UUID.randomUUID().toString().replace("-", "");
        for (int i = 0; i < request.prompts().size() * request.samples(); i++) {
            choices.add(new Choice(i));
        }
        left = choices.size();
    }

    boolean isComplete() {
        return left == 0;
    }

    /** Takes a token of a choice. */
    void add(int choice, ContinuousBatch.Token token) {
        choices.get(choice).add(token);
        if (token.ending() != null) {
            left--;
        }
    }

    /** The events that a stream begins with. */
    List<ObjectNode> beginning() {
        return request.chat()
                ? choices.stream()
                        .map(choice -> {
                            ObjectNode event = head(true);
                            ObjectNode delta = choice.head(event).putObject("delta");
                            delta.put("role", "assistant");
                            delta.put("content", "");
                            return event;
                        })
                        .toList()
                : List.of();
    }

    /** What is new of a choice since the last event, or null where nothing is to be told yet. */
    @Nullable ObjectNode event(int choice) {
        Choice of = choices.get(choice);
        if (of.ready() == 0 && of.ending == null && !request.logProbs() && !request.tokenIds()) {
            return null;
        }
        ObjectNode event = head(true);
        of.write(event, true);
        return event;
    }

    /** A stream's last event. */
    ObjectNode usageEvent() {
        ObjectNode event = head(true);
        event.putArray("choices");
        usage(event);
        return event;
    }

    /** The whole answer. */
    ObjectNode whole() {
        ObjectNode answer = head(false);
        choices.forEach(choice -> choice.write(answer, false));
        usage(answer);
        if (request.tokenIds() && request.chat()) {
            ids(answer.putArray("prompt_token_ids"), request.prompts().getFirst());
        }
        return answer;
    }

    private ObjectNode head(boolean event) {
        ObjectNode head = JSON.createObjectNode();
        head.put("id", id);
        head.put("object", !request.chat() ? "text_completion" : event ? "chat.completion.chunk" : "chat.completion");
        head.put("created", created);
        head.put("model", model.name());
        return head;
    }

    private void usage(ObjectNode answer) {
        int prompt = request.prompts().stream().mapToInt(ids -> ids.length).sum();
        int completion = choices.stream().mapToInt(choice -> choice.generated).sum();
        ObjectNode usage = answer.putObject("usage");
        usage.put("prompt_tokens", prompt);
        usage.put("completion_tokens", completion);
        usage.put("total_tokens", prompt + completion);
    }

    private static void ids(ArrayNode into, int[] ids) {
        Arrays.stream(ids).forEach(into::add);
    }

    /** One completion: what of it has not been told. */
    private final class Choice {
        private final int index;
        private final StringBuilder pending = new StringBuilder();
        private final TextStream stream = new TextStream(model::text, this::append);
        private final List<ContinuousBatch.Token> tokens = new ArrayList<>();
        /** Where the text of each of the tokens begins. */
        private final List<Integer> offsets = new ArrayList<>();

        private ContinuousBatch.@Nullable Ending ending;
        private int generated;
        /** Characters told before, or waiting to be. */
        private int told;

        private int streamed;

        Choice(int index) {
            this.index = index;
        }

        void add(ContinuousBatch.Token token) {
            tokens.add(token);
            offsets.add(streamed);
            generated++;
            ending = token.ending();
            if (ending == null) {
                stream.add(token.id());
            } else {
                // The last token may have completed a stop text, which is not told.
                pending.setLength(0);
                pending.append(
                        ending.text().substring(Math.min(told, ending.text().length())));
            }
        }

        private void append(String piece) {
            pending.append(piece);
            streamed += piece.length();
        }

        /** Characters to tell now: all of them at the end, before that none that a stop text may begin in. */
        int ready() {
            int held = ending != null
                    ? 0
                    : request.params().stop().stream()
                            .mapToInt(stop -> stop.length() - 1)
                            .max()
                            .orElse(0);
            return Math.max(0, pending.length() - held);
        }

        private String takeText() {
            String text = pending.substring(0, ready());
            pending.delete(0, text.length());
            told += text.length();
            return text;
        }

        ObjectNode head(ObjectNode answer) {
            ObjectNode choice = answer.withArray("choices").addObject();
            choice.put("index", index);
            return choice;
        }

        void write(ObjectNode answer, boolean event) {
            ObjectNode choice = head(answer);
            String text = takeText();
            if (!request.chat()) {
                choice.put("text", text);
            } else if (event) {
                ObjectNode delta = choice.putObject("delta");
                if (!text.isEmpty() || ending == null) {
                    delta.put("content", text);
                }
            } else {
                ObjectNode message = choice.putObject("message");
                message.put("role", "assistant");
                message.put("content", text);
            }
            if (request.logProbs()) {
                logProbs(choice.putObject("logprobs"));
            } else {
                choice.putNull("logprobs");
            }
            if (ending == null) {
                choice.putNull("finish_reason");
            } else {
                choice.put(
                        "finish_reason",
                        ending.finish() == Rollout.Finish.STOP
                                ? "stop"
                                : ending.finish().name().toLowerCase(Locale.ROOT));
            }
            if (request.tokenIds()) {
                ArrayNode ids = choice.putArray("token_ids");
                tokens.forEach(token -> ids.add(token.id()));
                if (!request.chat() && !event) {
                    ids(choice.putArray("prompt_token_ids"), request.prompts().get(index / request.samples()));
                }
            }
            tokens.clear();
            offsets.clear();
        }

        private String name(int id) {
            return request.tokensAsIds() ? "token_id:" + id : model.token(id);
        }

        private void logProbs(ObjectNode into) {
            if (request.chat()) {
                ArrayNode content = into.putArray("content");
                for (ContinuousBatch.Token token : tokens) {
                    ObjectNode one = content.addObject();
                    token(one, token.id(), token.logProb());
                    ArrayNode alternatives = one.putArray("top_logprobs");
                    token.alternatives().forEach(other -> token(alternatives.addObject(), other.id(), other.logProb()));
                }
                return;
            }
            ArrayNode names = into.putArray("tokens");
            ArrayNode values = into.putArray("token_logprobs");
            ArrayNode best = into.putArray("top_logprobs");
            ArrayNode begins = into.putArray("text_offset");
            offsets.forEach(begins::add);
            for (ContinuousBatch.Token token : tokens) {
                names.add(name(token.id()));
                values.add(token.logProb());
                ObjectNode alternatives = best.addObject();
                // As OpenAI does: the sampled token is always among them.
                token.alternatives().forEach(other -> alternatives.put(name(other.id()), other.logProb()));
                alternatives.put(name(token.id()), token.logProb());
            }
        }

        private void token(ObjectNode into, int id, float logProb) {
            String name = name(id);
            into.put("token", name);
            into.put("logprob", logProb);
            // A token may be a part of a character, whose bytes its text does not have.
            if (name.indexOf('\uFFFD') >= 0) {
                into.putNull("bytes");
            } else {
                ArrayNode bytes = into.putArray("bytes");
                for (byte value : name.getBytes(StandardCharsets.UTF_8)) {
                    bytes.add(value & 0xFF);
                }
            }
        }
    }
}
