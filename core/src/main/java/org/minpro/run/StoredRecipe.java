package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.stream.Collectors;
import org.minpro.config.Binder;
import org.minpro.config.Settings;
import org.minpro.dist.Collectives;
import org.minpro.recipe.AdapterSection;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.PromptSection;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.train.ComputeSettings;

/** The recipe in a run's folder: what a run was begun with, so that it can be continued from anywhere on any day. */
final class StoredRecipe {
    private static final String HEADER = "# minpro ";
    private static final String WHAT = "the recipe";

    private StoredRecipe() {}

    /** With the date that chat templates see. */
    static <R extends Record> R dated(R recipe, PromptSection prompts) {
        return prompts.date() == null
                ? Binder.with(recipe, "prompts.date", LocalDate.now().toString())
                : recipe;
    }

    /**
     * With the device that {@code auto} is here, which must be there, and what follows from it. {@code cuda} stays so: it is
     * another card for another rank.
     */
    static <R extends Record> R placed(R recipe, ComputeSettings compute) {
        Device device = Engine.use(compute.device());
        boolean named = compute.device().startsWith("cuda:");
        return Binder.with(recipe, "compute.device", device.isCuda() && !named ? "cuda" : device.toString());
    }

    /**
     * With whole paths of the model, of the adapter and of the files' folder.
     *
     * @param builtinData whether there are no files
     */
    static <R extends Record> R located(
            R recipe, ModelSection model, AdapterSection adapter, boolean builtinData, Path folder) {
        R located = Binder.with(Binder.with(recipe, "model", model.located()), "adapter", adapter.located());
        return builtinData
                ? located
                : Binder.with(located, "data.folder", folder.toAbsolutePath().normalize());
    }

    /**
     * Makes a folder for a run.
     *
     * @param command that continues it
     */
    static RunFolder create(Path runs, String command, Binder binder, Record recipe) {
        RunFolder folder = RunFolder.create(runs);
        try {
            folder.write(HEADER + command + "\n# begun by minpro " + BuildVersion.present() + "\n"
                    + binder.write(recipe, false));
            return folder;
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /**
     * Reads the recipe of a run that is to be continued; closes the folder where there is none for this command.
     *
     * @param command that continues it
     */
    static <R extends Record> R read(RunFolder folder, String command, Binder binder, Class<R> type) {
        try {
            requireCommand(folder, command);
            return binder.bind(type, new Settings().file(folder.recipe()));
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /** A recipe's text without what may differ from machine to machine, or from start to start. */
    static String comparable(Binder binder, Record recipe) {
        return binder.write(recipe, false)
                .lines()
                .filter(line -> !line.matches("\\s*(path|folder|runs|date|workers):.*"))
                // A folder of a reference model.
                .filter(line -> !line.matches("\\s*reference: (?!start$|average$).*"))
                .collect(Collectors.joining("\n"));
    }

    /** Gives the other ranks the recipe in the run's folder, and where that is. */
    static void share(Collectives ranks, RunFolder folder) {
        if (ranks.isAlone()) {
            return;
        }
        try {
            String path = folder.path().toAbsolutePath().normalize().toString();
            ranks.ofFirst(WHAT, (path + "\n" + Files.readString(folder.recipe())).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be readable, got: " + folder.path(), e);
        }
    }

    /** The folder of a rank that is not the first, with the recipe that the first one gave: where that has its own on this machine. */
    static RunFolder received(Collectives ranks) {
        String[] given = new String(ranks.ofFirst(WHAT, new byte[0]), StandardCharsets.UTF_8).split("\n", 2);
        RunFolder folder = RunFolder.at(new RunFiles(Path.of(given[0])).rank(ranks.rank()));
        try {
            folder.write(given[1]);
            return folder;
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    private static void requireCommand(RunFolder folder, String command) {
        String first;
        try {
            first = Files.readString(folder.recipe()).lines().findFirst().orElse("");
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be readable, got: " + folder.path(), e);
        }
        if (first.startsWith(HEADER) && !first.equals(HEADER + command)) {
            String other = first.substring(2);
            throw new IllegalArgumentException("a run must be continued by the command that began it, got: "
                    + folder.path() + ", a run of " + other + "; take " + other + " --resume");
        }
    }
}
