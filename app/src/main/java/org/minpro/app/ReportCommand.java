package org.minpro.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.dashboard.RunView;
import org.minpro.report.RunReport;
import org.minpro.tensor.Engine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code minpro report}: one page of a run, or of several over each other. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        description = {
            "Writes one HTML page that needs nothing else: figures, responses, settings and commands of a run.",
            "",
            "One run's is RUN/report.html; several are laid over each other in the file of --out. NAME=RUN gives a run another"
                    + " name; runs of one name have one colour."
        })
final class ReportCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "[NAME=]RUN", arity = "1..*", description = "Folders of runs.")
    private List<String> runs = List.of();

    @Option(names = "--out", paramLabel = "FILE", description = "The page; RUN/report.html by default, for one run.")
    private @Nullable Path out;

    @Option(
            names = "--png",
            paramLabel = "FILE",
            description = "Draws accuracy and minimum prefix ratio as a picture too, with a Chromium of this machine.")
    private @Nullable Path png;

    ReportCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<RunReport.Named> named = new ArrayList<>();
        for (String run : runs) {
            int equals = run.indexOf('=');
            boolean isNamed = equals > 0 && !Files.isDirectory(Path.of(run));
            Path folder = Path.of(isNamed ? run.substring(equals + 1) : run);
            if (!RunView.isRun(folder)) {
                throw new IllegalArgumentException(
                        "a run must be a folder with a recipe.yaml, got: " + folder + "; minpro train makes runs/0001");
            }
            Path absolute = folder.toAbsolutePath().normalize();
            named.add(new RunReport.Named(
                    isNamed ? run.substring(0, equals) : String.valueOf(absolute.getFileName()), new RunView(folder)));
        }
        if (named.size() > 1 && out == null) {
            throw new IllegalArgumentException("--out must name the page of several runs, got: none");
        }
        RunReport report = new RunReport(named, Engine.cacheFolder().resolve("index"));
        Path page = out != null ? out : named.getFirst().run().folder().resolve("report.html");
        report.write(page);
        console.result(page.toString());
        if (png != null) {
            report.writePicture(png);
            console.result(png.toString());
        }
        return 0;
    }
}
