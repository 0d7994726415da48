package org.minpro.run;

import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;
import org.minpro.environment.ChatSpeech;
import org.minpro.environment.Environment;
import org.minpro.environment.PlainSpeech;
import org.minpro.environment.Speech;
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
    private final @Nullable Chat chat;
    private final List<ThinkingMarks> thinking;
    private final Tokenizer tokenizer;
    private final int vocabulary;
    private final int maxTokens;
    private final @Nullable Integer beginOfSequence;
    /** What the tokenizer makes of characters that it does not know; null where it knows all, or ends texts with it. */
    private final @Nullable Integer unknown;

    /** A chat template and what each rendering of it is given. */
    private record Chat(
            ChatTemplate template,
            List<Map<String, @Nullable Object>> tools,
            Map<String, @Nullable Object> variables,
            String origin) {}

    private Prompts(
            PromptTemplate template,
            @Nullable Chat chat,
            List<ThinkingMarks> thinking,
            Tokenizer tokenizer,
            ModelConfig model,
            int maxTokens) {
        this.template = template;
        this.chat = chat;
        this.thinking = thinking;
        this.tokenizer = tokenizer;
        this.vocabulary = model.vocabSize();
        this.maxTokens = maxTokens;
        this.beginOfSequence = model.bosId();
        this.unknown = tokenizer.specialTokens().unk().stream()
                .flatMap(token -> tokenizer.id(token).stream().boxed())
                .filter(id -> !id.equals(model.bosId()) && !model.eosIds().contains(id))
                .findFirst()
                .orElse(null);
    }

    public static Prompts of(PromptSection section, ModelFiles model, Tokenizer tokenizer) {
        return of(section, model, tokenizer, null);
    }

    /**
     * @param environment of whose tools prompts tell the model, where it has a chat template and the problem none of its own;
     *     null for none
     */
    public static Prompts of(
            PromptSection section, ModelFiles model, Tokenizer tokenizer, @Nullable Environment environment) {
        List<Map<String, @Nullable Object>> tools = environment == null ? List.of() : environment.toolSchemas();
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
                            section.templateVariables(),
                            tools),
                    new Chat(
                            chat.get(),
                            tools,
                            section.templateVariables(),
                            model.path().toString()),
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
                null,
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

    /** A line that counts the prompts which have characters that the tokenizer does not know, if any has. */
    public Optional<String> unknownCharacters(List<int[]> prompts) {
        Integer id = unknown;
        if (id == null) {
            return Optional.empty();
        }
        long count = prompts.stream()
                .filter(prompt -> Arrays.stream(prompt).anyMatch(token -> token == id))
                .count();
        return count == 0
                ? Optional.empty()
                : Optional.of(count + " of the " + prompts.size() + " prompts that were looked at "
                        + (count == 1 ? "has" : "have")
                        + " characters that the tokenizer does not know: the model sees "
                        + tokenizer.specialTokens().unk().orElse("<unk>") + " in their place");
    }

    /**
     * How what an environment says follows a turn of the model: through its chat template, tried with every role, or as it is.
     *
     * @param keepsThinking whether a template may drop the thinking of earlier turns that the sequence keeps
     * @throws TextException if the template is not prefix-stable
     */
    public Speech speech(Collection<String> roles, boolean keepsThinking) {
        return chat == null
                ? new PlainSpeech(tokenizer)
                : ChatSpeech.of(
                        chat.template(),
                        chat.tools(),
                        chat.variables(),
                        tokenizer,
                        roles,
                        keepsThinking,
                        chat.origin());
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
