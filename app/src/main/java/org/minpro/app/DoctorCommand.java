package org.minpro.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code minpro doctor}: what goes wrong in a run, with evidence and what to try. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = {
            "Says what goes wrong in a run, from its numbers: no signal, problems too easy or too hard, collapse of entropy"
                    + " or length, exploding ratios, responses cut off, undecided rewards, a sampler that is not the"
                    + " trainer's model, numbers that are not finite.",
            "",
            "Each finding has its evidence and what to try. minpro train says the same while it runs."
        })
final class DoctorCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "RUN", description = "A run's folder: running, finished or copied.")
    private Path run = Path.of("");

    DoctorCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        RunDoctor.examine(run, console);
        return 0;
    }
}
