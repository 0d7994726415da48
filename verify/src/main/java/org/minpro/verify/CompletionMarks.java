package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;

/**
 * The marks by which a completion says which part of it is the answer: those of thinking, of an answer, of the end of a
 * turn, and texts at which a generation was to stop.
 *
 * @param thinking marks around thinking; an opening mark may be empty where a template has none
 * @param answer marks around the answer
 * @param ends marks that end a turn; every {@code <|name|>} that is no other mark is one too
 * @param stops texts before whose first occurrence the completion ends
 * @param thinkingOpened whether the prompt ends in an opening mark, so that a completion without a closing one is all
 *     thinking
 */
public record CompletionMarks(
        List<Pair> thinking, List<Pair> answer, List<String> ends, List<String> stops, boolean thinkingOpened) {
    /** What opens a part and what closes it; upper and lower case are the same. */
    public record Pair(String open, String close) {
        public Pair {
            if (close.isEmpty()) {
                throw new IllegalArgumentException("a closing mark must not be empty, got: \"\" for " + open);
            }
        }
    }

    /** No marks: the text is taken as it stands, without looking for thinking, markup or an invented question. */
    public static final CompletionMarks NONE = new CompletionMarks(List.of(), List.of(), List.of(), List.of(), false);

    /** The marks of the public model families. */
    public static final CompletionMarks STANDARD = new CompletionMarks(
            List.of(
                    new Pair("<think>", "</think>"),
                    new Pair("<thinking>", "</thinking>"),
                    new Pair("<thought>", "</thought>"),
                    new Pair("<thoughts>", "</thoughts>"),
                    new Pair("<reasoning>", "</reasoning>"),
                    new Pair("<reason>", "</reason>"),
                    new Pair("<analysis>", "</analysis>"),
                    new Pair("<scratchpad>", "</scratchpad>"),
                    new Pair("[think]", "[/think]"),
                    new Pair("<|think|>", "<|/think|>"),
                    new Pair("<|thinking|>", "<|/thinking|>"),
                    new Pair("<|begin_of_thought|>", "<|end_of_thought|>"),
                    new Pair("<|start_thinking|>", "<|end_thinking|>"),
                    new Pair("<seed:think>", "</seed:think>"),
                    new Pair("<longcat_think>", "</longcat_think>"),
                    new Pair("<|inner_prefix|>", "<|inner_suffix|>"),
                    new Pair("\u25c1think\u25b7", "\u25c1/think\u25b7"),
                    new Pair("<|channel|>analysis", "<|channel|>final<|message|>"),
                    new Pair("<|channel>thought", "<channel|>"),
                    new Pair("<unused94>", "<unused95>"),
                    new Pair("", "assistantfinal")),
            List.of(
                    new Pair("<answer>", "</answer>"),
                    new Pair("<ans>", "</ans>"),
                    new Pair("<final_answer>", "</final_answer>"),
                    new Pair("[answer]", "[/answer]"),
                    new Pair("<|begin_of_box|>", "<|end_of_box|>"),
                    new Pair("<|begin_of_solution|>", "<|end_of_solution|>")),
            List.of(
                    "</s>",
                    "<eos>",
                    "<pad>",
                    "<end_of_turn>",
                    "<start_of_turn>",
                    "<turn|>",
                    "[eos]",
                    "[/inst]",
                    "[inst]"),
            List.of(),
            false);

    public CompletionMarks {
        thinking = List.copyOf(thinking);
        answer = List.copyOf(answer);
        ends = List.copyOf(ends);
        stops = List.copyOf(stops);
        for (String stop : stops) {
            if (stop.isEmpty()) {
                throw new IllegalArgumentException("a stop text must not be empty, got: \"\"");
            }
        }
    }

    /** These marks and those of a model's own template. */
    public CompletionMarks withThinking(String open, String close) {
        List<Pair> all = new ArrayList<>(thinking);
        all.add(new Pair(open, close));
        return new CompletionMarks(all, answer, ends, stops, thinkingOpened);
    }

    /** These marks with other stop texts. */
    public CompletionMarks withStops(List<String> texts) {
        return new CompletionMarks(thinking, answer, ends, texts, thinkingOpened);
    }

    /** These marks for completions whose prompt has opened the thinking. */
    public CompletionMarks withThinkingOpened() {
        return new CompletionMarks(thinking, answer, ends, stops, true);
    }
}
