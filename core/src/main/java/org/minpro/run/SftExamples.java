package org.minpro.run;

import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Dataset;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.data.Row;
import org.minpro.data.Rows;
import org.minpro.environment.Speech;
import org.minpro.recipe.PromptSection;
import org.minpro.recipe.SftRecipe;
import org.minpro.task.Demonstration;
import org.minpro.text.AssistantTurns;
import org.minpro.text.ChatOptions;
import org.minpro.text.ChatTemplate;
import org.minpro.text.PromptTemplate;
import org.minpro.text.TextException;
import org.minpro.text.Tokenizer;
import org.minpro.train.SupervisedTrainer.Example;

/**
 * The examples of a supervised run's files, as token ids.
 *
 * @param training what is learnt
 * @param heldOut what the evaluation loss is measured on; none of it is learnt
 */
record SftExamples(List<Example> training, List<Example> heldOut) {
    private static final String PROMPT = "prompt";
    private static final String MESSAGES = "messages";

    SftExamples {
        training = List.copyOf(training);
        heldOut = List.copyOf(heldOut);
    }

    /** Reads the files of a recipe that names some. */
    static SftExamples read(SftRecipe recipe, ModelFiles files, Tokenizer tokenizer, Consumer<String> notice) {
        Reader reader = new Reader(recipe, files, tokenizer);
        Found found = reader.read(recipe.data().paths(), notice);
        if (found.examples().isEmpty()) {
            throw new IllegalArgumentException(
                    "data.files must leave at least one example, got: none of " + found.skipped());
        }
        if (!recipe.data().evaluationFiles().isEmpty()) {
            return new SftExamples(
                    found.examples(),
                    reader.read(recipe.data().evaluationPaths(), notice).examples());
        }
        Dataset.Split split =
                new Dataset("data.files", found.problems()).split(recipe.data().heldOut(), 0);
        Set<String> held = new HashSet<>();
        split.heldOut().problems().forEach(problem -> held.add(problem.id()));
        List<Example> training = new ArrayList<>();
        List<Example> heldOut = new ArrayList<>();
        for (int i = 0; i < found.examples().size(); i++) {
            (held.contains(found.problems().get(i).id()) ? heldOut : training)
                    .add(found.examples().get(i));
        }
        if (training.isEmpty()) {
            throw new IllegalArgumentException("data.held-out must leave an example to learn, got: "
                    + recipe.data().heldOut() + " of " + found.examples().size());
        }
        return new SftExamples(training, heldOut);
    }

    private record Found(List<Problem> problems, List<Example> examples, int skipped) {}

    /** From rows to ids. */
    private static final class Reader {
        private final SftRecipe recipe;
        private final Tokenizer tokenizer;
        private final Prompts prompts;
        private final Optional<ChatTemplate> chat;
        private final List<Integer> ends;
        private final int vocabulary;
        private final @Nullable PromptTemplate plain;
        private final @Nullable Pattern remove;
        private boolean saidBegin;

        Reader(SftRecipe recipe, ModelFiles files, Tokenizer tokenizer) {
            this.recipe = recipe;
            this.tokenizer = tokenizer;
            prompts = Prompts.of(recipe.prompts(), files, tokenizer);
            String date = recipe.prompts().date();
            chat = recipe.prompts().chatTemplate() == PromptSection.ChatTemplate.OFF
                    ? Optional.empty()
                    : files.chatTemplate(date == null ? LocalDate.now(ZoneId.systemDefault()) : LocalDate.parse(date));
            ends = files.config().eosIds();
            vocabulary = files.config().vocabSize();
            String template = recipe.data().promptTemplate();
            plain = template == null ? null : PromptTemplate.plain(template);
            String pattern = recipe.data().completionRemove();
            remove = pattern == null ? null : Pattern.compile(pattern);
        }

        Found read(List<Path> paths, Consumer<String> notice) {
            List<Problem> problems = new ArrayList<>();
            List<Example> examples = new ArrayList<>();
            int skipped = 0;
            for (Path file : paths) {
                try (Rows rows = Rows.open(file)) {
                    for (Row row = rows.next(); row != null; row = rows.next()) {
                        Problem problem = problem(row);
                        Example example = isConversation(row) ? conversation(row, problem) : pair(row, problem);
                        if (example.promptIds().length > recipe.prompts().maxTokens()
                                || example.completionIds().length > recipe.maxCompletionTokens()) {
                            skipped++;
                        } else {
                            Prompts.requireVocabulary(example.promptIds(), vocabulary, row.place());
                            Prompts.requireVocabulary(example.completionIds(), vocabulary, row.place());
                            problems.add(problem);
                            examples.add(example);
                        }
                    }
                }
            }
            if (skipped > 0) {
                notice.accept(
                        skipped + " examples are longer than prompts.max-tokens or max-completion-tokens and are left"
                                + " out; " + examples.size() + " remain");
            }
            if (!examples.isEmpty() && !saidBegin) {
                saidBegin = true;
                prompts.missingBeginOfSequence(examples.getFirst().promptIds())
                        .ifPresent(line -> notice.accept("warning: " + line));
            }
            return new Found(problems, examples, skipped);
        }

        private String promptField(Row row) {
            String field = recipe.data().promptField();
            return field.equals(PROMPT) && !row.has(PROMPT) && row.has(MESSAGES) ? MESSAGES : field;
        }

        /** Whether the row's messages hold the answers themselves, or its completion is messages too. */
        private boolean isConversation(Row row) {
            return plain == null
                    && row.value(promptField(row)) instanceof List<?>
                    && !(row.value(recipe.data().completionField()) instanceof String);
        }

        private Problem problem(Row row) {
            if (plain != null) {
                Map<String, @Nullable Object> fields = new LinkedHashMap<>(row.fields());
                fields.values().removeIf(value -> value == null);
                return Problem.of(row.place(), plain.render(new Problem(row.place(), "", List.of(), "", fields)), "");
            }
            String field = promptField(row);
            return row.required(field) instanceof List<?>
                    ? new Problem(row.place(), null, row.messages(field), "", row.fields())
                    : Problem.of(row.place(), row.string(field), "");
        }

        private Example pair(Row row, Problem problem) {
            String completion = removed(row.string(recipe.data().completionField()));
            int[] prompt = prompts.encode(problem);
            return new Example(prompt, withEnd(tokenizer.encode(completion)));
        }

        private String removed(String completion) {
            return remove == null ? completion : remove.matcher(completion).replaceAll("");
        }

        private Example conversation(Row row, Problem problem) {
            ChatTemplate template = chat.orElseThrow(
                    () -> row.error("messages need the model's chat template, got: a model without one (or"
                            + " prompts.chat-template off)"));
            List<Message> messages = new ArrayList<>();
            String system = recipe.prompts().systemPrompt();
            if (system != null && !problem.messages().getFirst().role().equals("system")) {
                messages.add(new Message("system", system));
            }
            messages.addAll(problem.messages());
            int from = 0;
            if (row.has(recipe.data().completionField())) {
                from = messages.size();
                messages.addAll(row.messages(recipe.data().completionField()));
            }
            if (!messages.getLast().role().equals("assistant")) {
                throw row.error("messages must end with the assistant, whose turns are learnt, got: a last turn of '"
                        + messages.getLast().role() + "' and no field '"
                        + recipe.data().completionField() + "'");
            }
            try {
                ChatOptions options = ChatOptions.of(row.fields(), false)
                        .withDefaults(recipe.prompts().templateVariables());
                return example(AssistantTurns.of(template, cleaned(messages), options, from));
            } catch (TextException e) {
                throw row.error(String.valueOf(e.getMessage()));
            }
        }

        private List<Message> cleaned(List<Message> messages) {
            if (remove == null) {
                return messages;
            }
            return messages.stream()
                    .map(message -> message.role().equals("assistant")
                                    && message.fields().get("content") instanceof String text
                            ? message.withContent(removed(text))
                            : message)
                    .toList();
        }

        /** Each part is encoded by itself, as a prompt and an answer to it are when the model is used. */
        private Example example(List<AssistantTurns.Part> parts) {
            int[] prompt = tokenizer.encode(parts.getFirst().text());
            int[] rest = new int[0];
            boolean[] learnt = new boolean[0];
            for (AssistantTurns.Part part : parts.subList(1, parts.size())) {
                int[] ids = tokenizer.encode(part.text());
                int from = rest.length;
                rest = Arrays.copyOf(rest, from + ids.length);
                System.arraycopy(ids, 0, rest, from, ids.length);
                learnt = Arrays.copyOf(learnt, rest.length);
                if (part.written()) {
                    Arrays.fill(learnt, from, from + throughEnd(ids), true);
                }
            }
            return new Example(prompt, rest, learnt);
        }

        /** How many ids the model is to write: what follows the end of its turn is the template's. */
        private int throughEnd(int[] ids) {
            for (int i = ids.length; i > 0; i--) {
                if (ends.contains(ids[i - 1])) {
                    return i;
                }
            }
            return ids.length;
        }

        private int[] withEnd(int[] ids) {
            return SftExamples.withEnd(ids, ends);
        }
    }

    /**
     * The example of a demonstration: the model's turns are learnt, what it is told between them is not.
     *
     * @param ends the model's ids that end a response
     */
    static Example of(
            Demonstration demonstration, int[] prompt, Tokenizer tokenizer, Speech speech, List<Integer> ends) {
        int[] ids = new int[0];
        boolean[] learnt = new boolean[0];
        for (int i = 0; i < demonstration.turns().size(); i++) {
            boolean own = i % 2 == 0;
            String text = demonstration.turns().get(i);
            int[] next = own
                    ? withEnd(tokenizer.encode(text), ends)
                    : speech.ids(List.of(new Message(demonstration.role(), text)), ids[ids.length - 1]);
            int from = ids.length;
            ids = Arrays.copyOf(ids, from + next.length);
            System.arraycopy(next, 0, ids, from, next.length);
            learnt = Arrays.copyOf(learnt, ids.length);
            Arrays.fill(learnt, from, ids.length, own);
        }
        return new Example(prompt, ids, learnt);
    }

    /** With the model's end of sequence, if it has one and the ids do not end with it. */
    static int[] withEnd(int[] ids, List<Integer> ends) {
        if (ends.isEmpty() || (ids.length > 0 && ids[ids.length - 1] == ends.getFirst())) {
            return ids;
        }
        int[] longer = Arrays.copyOf(ids, ids.length + 1);
        longer[ids.length] = ends.getFirst();
        return longer;
    }
}
