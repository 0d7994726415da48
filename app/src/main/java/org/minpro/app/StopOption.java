package org.minpro.app;

import java.util.ArrayList;
import java.util.List;
import org.minpro.verify.Verifier;
import picocli.CommandLine.Option;

/** The texts at which a stored completion ends for the answer checker. */
final class StopOption {
    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description =
                    "Look for the answer before the first TEXT of a completion, as if generation had stopped there."
                            + " May be repeated.")
    private List<String> texts = new ArrayList<>();

    /** The verifier that looks at what stands before these texts. */
    Verifier before(Verifier verifier) {
        return texts.isEmpty() ? verifier : verifier.reading(verifier.marks().withStops(texts));
    }
}
