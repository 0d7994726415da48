package org.minpro.app;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.minpro.config.ConfigurationException;
import org.minpro.config.NearestName;
import org.minpro.data.DataException;
import org.minpro.model.ModelFormatException;
import org.minpro.run.BuildVersion;
import org.minpro.run.MachineMemory;
import org.minpro.text.TextException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code minpro} command. Exit codes: 0 done, 1 the run failed, 2 the command line, a recipe or an input is wrong. */
public final class Main {
    static final int FAILED = 1;
    static final int USAGE = 2;

    private Main() {}

    public static void main(String[] args) {
        Console console = Console.ofProcess();
        int code = run(console, args);
        console.out().flush();
        System.exit(code);
    }

    /** Runs a command line and returns its exit code. */
    static int run(Console console, String... args) {
        return run(console, MachineMemory::whereModelsAre, args);
    }

    /** @param memoryAvailable bytes that the machine can still give */
    static int run(Console console, LongSupplier memoryAvailable, String... args) {
        return run(console, memoryAvailable, null, args);
    }

    /** @param studyRuns does the runs of a study; null for processes of this machine */
    static int run(
            Console console, LongSupplier memoryAvailable, StudyRunner.@Nullable Executor studyRuns, String... args) {
        CommandLine minpro = new CommandLine(new Root(console));
        minpro.addSubcommand(new TrainCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new SftCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new PlanCommand(console, memoryAvailable));
        minpro.addSubcommand(new CompareCommand(console, studyRuns));
        minpro.addSubcommand(new EvalCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new GenerateCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new ChatCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new ServeCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new ServedFolderCommand(console));
        minpro.addSubcommand(new ScoreCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new MergeCommand(console, new MemoryCheck(memoryAvailable, console)));
        minpro.addSubcommand(new TokenizeCommand(console));
        minpro.addSubcommand(new DashboardCommand(console));
        minpro.addSubcommand(new ReportCommand(console));
        minpro.addSubcommand(new DoctorCommand(console));
        minpro.addSubcommand(new ObjectivesCommand(console));
        minpro.addSubcommand(new VerifyCommand(console));
        minpro.addSubcommand(new AuditVerdictsCommand(console));
        minpro.addSubcommand(new CommandLine.HelpCommand());
        minpro.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
        minpro.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
        minpro.setColorScheme(Help.defaultColorScheme(Help.Ansi.OFF));
        minpro.setUsageHelpWidth(100);
        minpro.setCaseInsensitiveEnumValuesAllowed(true);
        minpro.setParameterExceptionHandler((e, arguments) -> usageError(console, e));
        minpro.setExecutionExceptionHandler((e, command, result) -> failure(console, e));
        int code;
        try {
            code = minpro.execute(args);
        } catch (OutOfMemoryError e) {
            console.say("minpro: Java's memory did not suffice (" + e.getMessage()
                    + "); read less at once, or give it more with MINPRO_JAVA_OPTIONS=-Xmx4g");
            return FAILED;
        }
        if (console.out().checkError() && code == 0) {
            console.say("minpro: stdout must take the results, got: a closed pipe or a full disk");
            return FAILED;
        }
        return code;
    }

    @Command(
            name = "minpro",
            mixinStandardHelpOptions = true,
            versionProvider = Version.class,
            synopsisSubcommandLabel = "COMMAND",
            description = "Trains language models with reinforcement learning on rollouts that are older than the"
                    + " policy (MinPRO, arXiv 2601.22718).",
            commandListHeading = "%nCommands:%n",
            footer = {
                "",
                "Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 the run failed,",
                "2 the command line, a recipe or an input is wrong.",
                "MINPRO_STACK_TRACE=1 in the environment adds a Java stack trace to an error.",
                "Each command has a --help of its own.",
                "./minpro install puts the library into the local Maven repository, without tests."
            })
    private static final class Root implements Runnable {
        private final Console console;

        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec spec;

        Root(Console console) {
            this.console = console;
        }

        @Override
        public void run() {
            console.say(spec.commandLine().getUsageMessage().stripTrailing());
            throw new ParameterException(spec.commandLine(), "a command must be given");
        }
    }

    /** What {@code --version} prints. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"minpro " + BuildVersion.present()};
        }
    }

    private static int usageError(Console console, ParameterException e) {
        CommandSpec spec = e.getCommandLine().getCommandSpec();
        String message = String.valueOf(e.getMessage());
        if (e instanceof UnmatchedArgumentException unmatched) {
            message = unmatched(spec, unmatched.getUnmatched().getFirst());
        } else if (e instanceof MissingParameterException
                && unknownOption(e.getCommandLine()) instanceof String option) {
            // What is missing is most often what was meant.
            message = unmatched(spec, option);
        } else if (e instanceof MissingParameterException) {
            message = message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
        }
        if (isUnmappable(message)) {
            console.say(spec.qualifiedName() + ": " + unmappable(message));
            return USAGE;
        }
        console.say(spec.qualifiedName() + ": " + message.replaceAll("\\s*\\R\\s*", " ")
                + (message.endsWith(".") || message.endsWith("?") ? "" : ".") + " See '" + spec.qualifiedName()
                + " --help'.");
        return USAGE;
    }

    private static boolean isUnmappable(@Nullable String message) {
        return message != null && message.contains("unmappable characters");
    }

    /** What a file name that the locale's charset has no letters for is told with; Java gives it as question marks. */
    private static String unmappable(String text) {
        return "file names must have letters of the locale's charset alone, which is "
                + System.getProperty("sun.jnu.encoding") + ", got: "
                + text.replaceFirst("(?s).*(?:input contains )?unmappable characters: *", "")
                        .replaceAll("[)\\s]+$", "")
                + "; unset LC_ALL, LC_CTYPE and LANG, or use LC_ALL=C.UTF-8 (locale -a lists what is installed)";
    }

    private static @Nullable String unknownOption(CommandLine command) {
        return command.getUnmatchedArguments().stream()
                .filter(argument -> argument.startsWith("-") && argument.length() > 1)
                .findFirst()
                .orElse(null);
    }

    private static String unmatched(CommandSpec spec, String argument) {
        if (argument.startsWith("-") && argument.length() > 1) {
            String option = argument.contains("=") ? argument.substring(0, argument.indexOf('=')) : argument;
            List<String> names = new ArrayList<>(spec.optionsMap().keySet());
            return "unknown option '" + option + "'." + NearestName.hint(option, names);
        }
        if (!spec.subcommands().isEmpty()) {
            return "unknown command '" + argument + "'."
                    + NearestName.hint(argument, spec.subcommands().keySet());
        }
        return "unexpected argument '" + argument + "'";
    }

    /** One line for what a person can mend, a stack trace for what only we can. */
    static int failure(Console console, Exception e) {
        String full = e instanceof IllegalStateException
                        && String.valueOf(e.getMessage()).startsWith("the disk is full: ")
                ? null // it says more already
                : DiskFull.line(e);
        if (full != null) {
            console.say("minpro: " + full + "; free some space, and give the command again");
            trace(console, e);
            return FAILED;
        }
        switch (e) {
            case ConfigurationException configuration ->
                configuration.problems().forEach(problem -> console.say("minpro: " + problem));
            case DataException input -> console.say("minpro: " + input.getMessage());
            case TextException input -> console.say("minpro: " + input.getMessage());
            case ModelFormatException input -> console.say("minpro: " + input.getMessage());
            case InvalidPathException path
            when isUnmappable(path.getMessage()) -> console.say("minpro: " + unmappable(path.getInput()));
            case IllegalArgumentException input
            when input.getMessage() != null -> console.say("minpro: " + input.getMessage());
            case IllegalStateException run
            when run.getMessage() != null -> {
                console.say("minpro: " + run.getMessage());
                trace(console, e);
                return FAILED;
            }
            case UncheckedIOException run -> {
                console.say("minpro: " + run.getMessage() + reason(run));
                trace(console, e);
                return FAILED;
            }
            case CancellationException cancelled -> {
                console.say("minpro: interrupted");
                return FAILED;
            }
            case RuntimeException exhausted
            when String.valueOf(exhausted.getMessage()).contains("can't allocate memory") -> {
                console.say("minpro: memory did not suffice: "
                        + String.valueOf(exhausted.getMessage())
                                .lines()
                                .findFirst()
                                .orElse("")
                                .replaceFirst("^\\[enforce fail at [^]]*] *", "")
                        + "; lower the number of tokens, of rows or of workers, or take a smaller model");
                trace(console, e);
                return FAILED;
            }
            default -> {
                StringWriter stack = new StringWriter();
                e.printStackTrace(new PrintWriter(stack));
                console.say("minpro: this should not happen: " + e + "; please report it with these lines");
                console.say(stack.toString().stripTrailing());
                return FAILED;
            }
        }
        trace(console, e);
        return USAGE;
    }

    /** What the operating system said, where the message does not have it. */
    private static String reason(UncheckedIOException e) {
        Throwable thrown = e.getCause();
        String cause = thrown == null ? "" : String.valueOf(thrown.getMessage());
        return String.valueOf(e.getMessage()).contains(cause) ? "" : " (" + cause + ")";
    }

    private static void trace(Console console, Exception e) {
        if (System.getenv("MINPRO_STACK_TRACE") != null) {
            StringWriter stack = new StringWriter();
            e.printStackTrace(new PrintWriter(stack));
            console.say(stack.toString().stripTrailing());
        }
    }
}
