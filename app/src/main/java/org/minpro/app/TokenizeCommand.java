package org.minpro.app;

import java.time.LocalDate;
import java.time.ZoneId;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.data.JsonlReader;
import org.minpro.data.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro tokenize}. */
@Command(
        name = "tokenize",
        mixinStandardHelpOptions = true,
        description = {
            "Turns texts and conversations into token ids.",
            "",
            "Input lines: {\"text\":\"…\"} or {\"messages\":[…]}, and with messages what apply_chat_template of"
                    + " transformers takes: tools, documents, add_generation_prompt (false by default),"
                    + " continue_final_message (true, or the member to continue) and template_variables (or"
                    + " chat_template_kwargs). Any other field is an error.",
            "Output lines: {\"ids\":[…],\"text\":\"…\"}. Special tokens written in a text are recognised, none is"
                    + " added. Only the tokenizer's files of the folder are needed."
        })
final class TokenizeCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private FolderOption model = new FolderOption();

    @Mixin
    private InputOptions input = new InputOptions();

    @Option(
            names = "--date",
            converter = DateConverter.class,
            paramLabel = "D",
            description = "The date that chat templates see, YYYY-MM-DD; by default today.")
    private @Nullable LocalDate date;

    TokenizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        LocalDate day = date == null ? LocalDate.now(ZoneId.systemDefault()) : date;
        try (JsonlReader reader = input.open(console);
                Texts texts = new Texts(model.folder(), day, console)) {
            for (Row row = reader.next(); row != null; row = reader.next()) {
                Texts.requireKnown(row, List.of("text"));
                if (row.has("text") == row.has("messages")) {
                    throw row.error("must have either 'text' or 'messages'");
                }
                String text = row.has("text") ? row.string("text") : texts.render(row, false);
                console.result(new JsonLine()
                        .with("ids", texts.encode(text))
                        .with("text", text)
                        .toString());
            }
        }
        return 0;
    }
}
