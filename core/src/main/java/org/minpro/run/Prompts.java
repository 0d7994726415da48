package org.minpro.run;

import java.time.LocalDate;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;
import org.minpro.eval.Evaluator;
import org.minpro.experience.PromptEncoder;
import org.minpro.model.ModelConfig;
import org.minpro.recipe.PromptSection;
import org.minpro.text.ChatTemplate;
import org.minpro.text.PromptTemplate;
import org.minpro.text.TextException;
import org.minpro.text.ThinkingMarks;
import org.minpro.text.Tokenizer;
import org.minpro.verify.CompletionMarks;

/** Puts a problem to the model as the recipe says: its prompt as it is, or through the model's chat template. */
public final class Prompts implements PromptEncoder {
    private final PromptTemplate template;
    private final List<ThinkingMarks> thinking;
    private final Tokenizer tokenizer;
    private final int vocabulary;
    private final int maxTokens;
    private final @Nullable Integer beginOfSequence;

    private Prompts(
            PromptTemplate template,
            List<ThinkingMarks> thinking,
            Tokenizer tokenizer,
            ModelConfig model,
            int maxTokens) {
        this.template = template;
        this.thinking = thinking;
        this.tokenizer = tokenizer;
        this.vocabulary = model.vocabSize();
        this.maxTokens = maxTokens;
        this.beginOfSequence = model.bosId();
    }

    public static Prompts of(PromptSection section, ModelFiles model, Tokenizer tokenizer) {
        LocalDate today =
                section.date() == null ? LocalDate.now(ZoneId.systemDefault()) : LocalDate.parse(section.date());
        Optional<ChatTemplate> chat =
                section.chatTemplate() == PromptSection.ChatTemplate.OFF ? Optional.empty() : model.chatTemplate(today);
        if (chat.isPresent()) {
            String system = section.systemPrompt();
            return new Prompts(
                    PromptTemplate.chat(
                            chat.get(),
                            "{prompt}",
                            system == null ? null : system.replace("{", "{{").replace("}", "}}"),
                            section.templateVariables()),
                    chat.get().thinkingMarks(),
                    tokenizer,
                    model.config(),
                    section.maxTokens());
        }
        if (section.chatTemplate() == PromptSection.ChatTemplate.ON) {
            throw new TextException("prompts.chat-template is on, but the model has none: " + model.path());
        }
        return new Prompts(
                problem -> {
                    if (problem.prompt() == null) {
                        throw new TextException("a problem with messages needs the model's chat template, got: problem "
                                + problem.id() + " and a model without one (or prompts.chat-template off)");
                    }
                    return Objects.requireNonNull(problem.prompt());
                },
                List.of(),
                tokenizer,
                model.config(),
                section.maxTokens());
    }

    /**
     * A line that says so where the tokenizer would begin a text with a token that this prompt does not begin with: models
     * that were trained with it answer worse without.
     */
    public Optional<String> missingBeginOfSequence(int[] prompt) {
        boolean missing = tokenizer.addsBeginOfSequence()
                && beginOfSequence != null
                && (prompt.length == 0 || prompt[0] != beginOfSequence);
        return missing
                ? Optional.of(
                        "prompts do not begin with the beginning-of-sequence token, though this tokenizer would add"
                                + " it; write it into the prompts, or use the model's chat template, where it is wanted")
                : Optional.empty();
    }

    /** The text that the model continues. */
    @Override
    public String text(Problem problem) {
        return template.render(problem);
    }

    /**
     * The marks of thinking and answer in completions of these prompts: those of the public model families, those of the
     * model's own template, and whether a prompt ends inside thinking that it has opened.
     *
     * @param example a problem like all others
     */
    public CompletionMarks marks(Problem example) {
        CompletionMarks marks = CompletionMarks.STANDARD;
        for (ThinkingMarks own : thinking) {
            marks = marks.withThinking(own.open(), own.close());
        }
        String prompt = text(example).strip().toLowerCase(Locale.ROOT);
        boolean opened = marks.thinking().stream()
                .map(pair -> pair.open().toLowerCase(Locale.ROOT))
                .anyMatch(open -> !open.isEmpty() && prompt.endsWith(open));
        return opened ? marks.withThinkingOpened() : marks;
    }

    /** The problems whose prompts are no longer than the section allows, to be evaluated on. */
    public List<Evaluator.Question> questions(List<Problem> problems) {
        return problems.stream()
                .map(problem -> new Evaluator.Question(problem, encode(problem)))
                .filter(question -> question.promptIds().length <= maxTokens)
                .toList();
    }

    @Override
    public int[] encode(Problem problem) {
        int[] ids = tokenizer.encode(text(problem));
        requireVocabulary(ids, vocabulary, "the prompt of problem " + problem.id());
        return ids;
    }

    /**
     * @param where the ids come from
     * @throws TextException if the tokenizer has more ids than the model
     */
    public static void requireVocabulary(int[] ids, int vocabulary, String where) {
        for (int id : ids) {
            if (id >= vocabulary) {
                throw new TextException("the tokenizer's ids must be below the model's vocab_size (" + vocabulary
                        + "), got: " + id + " in " + where + "; take tokenizer and config.json of one model");
            }
        }
    }
}
