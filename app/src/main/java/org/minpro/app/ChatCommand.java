package org.minpro.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;
import org.minpro.model.Kernels;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Sampling;
import org.minpro.run.LanguageModel;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.Engine;
import org.minpro.text.TextException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro chat}. */
@Command(
        name = "chat",
        mixinStandardHelpOptions = true,
        description = {
            "Talks with a model through its chat template.",
            "",
            "Each line of input is a message; the answer is written as it comes, and the conversation is remembered.",
            "/new begins another one, /quit or the end of the input (Ctrl-D) ends the command."
        })
final class ChatCommand implements Callable<Integer> {
    private static final String NEW = "/new";
    private static final String QUIT = "/quit";

    private final Console console;
    private final MemoryCheck memory;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--system", paramLabel = "TEXT", description = "The system message at the beginning.")
    private @Nullable String system;

    @Option(names = "--greedy", description = "Take the most probable token each time.")
    private boolean greedy;

    @Option(names = "--temperature", paramLabel = "T", description = "Divides the logits; 0.7 by default.")
    private double temperature = 0.7;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Sample from the smallest set of most probable tokens with this mass; 1 (default): all.")
    private double topP = 1;

    @Option(names = "--max-new-tokens", paramLabel = "N", description = "Longest answer, tokens; 1024 by default.")
    private int maxNewTokens = 1024;

    @Option(names = "--seed", paramLabel = "S", description = "A different seed gives other answers; 1 by default.")
    private long seed = 1;

    @Option(
            names = "--date",
            paramLabel = "D",
            converter = DateConverter.class,
            description = "The date that the chat template sees, YYYY-MM-DD; by default today.")
    private @Nullable LocalDate date;

    ChatCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Override
    public Integer call() {
        Sampling sampling = new Sampling(temperature, 0, topP, 0, maxNewTokens, List.of(), List.of(), false);
        LanguageModel.Decoding decoding = new LanguageModel.Decoding(sampling, greedy);
        ModelFiles files = model.open();
        Kernels.notices(Engine.device(), model.type(files)).forEach(console::say);
        LocalDate day = date == null ? LocalDate.now(ZoneId.systemDefault()) : date;
        if (files.chatTemplate(day).isEmpty()) {
            throw new TextException("a chat needs a model with a chat template, got: " + files.path()
                    + ", which has none; see 'minpro generate --prompt'");
        }
        memory.require(
                MemoryEstimate.ofSampling(
                        files.config(), model.type(files), 1, LocalRolloutEngine.FEWEST_SLOTS, maxNewTokens + 1L),
                "--max-new-tokens (" + maxNewTokens + ")");
        try (LanguageModel talking = model.load(seed, day)) {
            talk(talking, decoding);
        }
        return 0;
    }

    private void talk(LanguageModel talking, LanguageModel.Decoding decoding) {
        BufferedReader lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
        List<Message> messages = beginning();
        try {
            for (String line = ask(lines); line != null && !line.strip().equals(QUIT); line = ask(lines)) {
                if (line.strip().equals(NEW)) {
                    messages = beginning();
                } else if (!line.isBlank()) {
                    messages.add(new Message("user", line));
                    String answer = talking.chat(messages, decoding, this::write);
                    console.result("");
                    console.flush();
                    messages.add(new Message("assistant", answer));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the input must be readable, got: " + e.getMessage(), e);
        }
    }

    private List<Message> beginning() {
        List<Message> messages = new ArrayList<>();
        if (system != null) {
            messages.add(new Message("system", system));
        }
        return messages;
    }

    private @Nullable String ask(BufferedReader lines) throws IOException {
        console.err().print("> ");
        console.err().flush();
        return lines.readLine();
    }

    /** A terminal acts on control characters, so it gets their pictures. */
    private void write(String piece) {
        console.out().print(console.terminal() ? DisplayText.lines(piece) : piece);
        console.out().flush();
    }
}
