package org.minpro.app;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.minpro.data.JsonlReader;
import org.minpro.data.Row;
import org.minpro.verify.Verdict;
import org.minpro.verify.Verifier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code minpro verify}. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = {
            "Compares answers with references, as the reward 'math' does.",
            "",
            "Input lines: {\"gold\":\"…\",\"answer\":\"…\"}; the answer may be a whole completion.",
            "Output lines: {\"verdict\":\"right|wrong|undecided\",\"reason\":\"…\"}."
        })
final class VerifyCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private InputOptions input = new InputOptions();

    @Mixin
    private final StopOption stop = new StopOption();

    VerifyCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        Verifier verifier = stop.before(new Verifier());
        try (JsonlReader reader = input.open(console)) {
            for (Row row = reader.next(); row != null; row = reader.next()) {
                row.requireKnown(List.of("gold", "answer"));
                Verdict verdict = verifier.verify(row.string("gold"), row.string("answer"));
                console.result(new JsonLine()
                        .with("verdict", verdict.kind().name().toLowerCase(Locale.ROOT))
                        .with("reason", verdict.reason().name().toLowerCase(Locale.ROOT))
                        .toString());
            }
        }
        return 0;
    }
}
