package org.minpro.run;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the files of a run stand that others read too: of one under way, finished, killed or copied. It opens nothing.
 *
 * @param folder of the run
 */
public record RunFiles(Path folder) {
    /** The configuration with every setting written out; a folder that has one is a run's. */
    public Path recipe() {
        return folder.resolve("recipe.yaml");
    }

    /** What the run trained, in the layout of Hugging Face, where that is a model. */
    public Path model() {
        return folder.resolve("model");
    }

    /** What the run trained, in the layout of PEFT, where that is an adapter. */
    public Path adapter() {
        return folder.resolve("adapter");
    }

    /** Whether what it trained is there: the run has ended. */
    public boolean hasResult() {
        return Files.isDirectory(model()) || Files.isDirectory(adapter());
    }

    /** Held by the program that works in the folder, and which one that is. */
    public Path lock() {
        return folder.resolve("lock");
    }

    /** Accuracy on held-out problems, one line for each time that it was measured. */
    public Path evaluations() {
        return folder.resolve("evaluations.jsonl");
    }

    /** The numbers of each iteration. */
    public Path metrics() {
        return folder.resolve("metrics.jsonl");
    }

    /** Every rollout with its score. */
    public Path journal() {
        return folder.resolve("journal.jsonl");
    }

    /** The line that the run ended with before its end; there until the run has gone on. */
    public Path failure() {
        return folder.resolve("failure.txt");
    }

    /** Single tokens of some rows of each update. */
    public Path tokens() {
        return folder.resolve("tokens.jsonl");
    }

    /** What a process of the run that is not the first logs: its folder has the files of a run that are its own. */
    public Path rank(int rank) {
        return folder.resolve("ranks").resolve(String.valueOf(rank));
    }
}
