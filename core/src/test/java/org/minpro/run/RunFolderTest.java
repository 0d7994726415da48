package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RunFolderTest {
    @TempDir
    Path runs;

    /** A new folder as a session leaves it that cannot begin. */
    private RunFolder begun() throws IOException {
        RunFolder folder = RunFolder.create(runs);
        Files.writeString(folder.recipe(), "seed: 1\n");
        Files.createFile(folder.metrics());
        Files.createFile(folder.journal());
        Files.createDirectory(folder.checkpoints());
        return folder;
    }

    @Test
    void aNewFolderInWhichNothingWasDoneIsRemoved() throws IOException {
        RunFolder folder = begun();
        assertThat(folder.isUnused()).isTrue();
        folder.close();
        assertThat(folder.path()).doesNotExist();
        folder.close();
        try (RunFolder next = begun()) {
            assertThat(next.path()).isEqualTo(folder.path());
        }
    }

    @Test
    void aFolderWithAnythingToContinueFromStays() throws IOException {
        RunFolder folder = begun();
        Files.writeString(folder.journal(), "{}\n");
        assertThat(folder.isUnused()).isFalse();
        folder.close();
        assertThat(folder.journal()).hasContent("{}");
        try (RunFolder next = begun()) {
            assertThat(next.path().getFileName()).hasToString("0002");
        }
    }

    @Test
    void aFolderThatIsContinuedStaysWhateverIsInIt() throws IOException {
        Path old = Files.createDirectory(runs.resolve("0001"));
        Files.writeString(old.resolve("recipe.yaml"), "seed: 1\n");
        try (RunFolder folder = RunFolder.open(old)) {
            assertThat(folder.isUnused()).isFalse();
        }
        assertThat(old.resolve("recipe.yaml")).exists();
    }

    /** Read as one, it would be the built-in run. */
    @Test
    void aFolderWithAnEmptyRecipeIsNoRun() throws IOException {
        Path old = Files.createDirectory(runs.resolve("0001"));
        Files.writeString(old.resolve("recipe.yaml"), "");
        assertThatThrownBy(() -> RunFolder.open(old)).hasMessageEndingWith("whose recipe.yaml is empty");
        try (RunFolder folder = RunFolder.create(runs)) {
            folder.write("seed: 3\n");
            assertThat(folder.recipe()).hasContent("seed: 3\n");
            assertThat(folder.isUnused()).isTrue();
        }
    }

    @Test
    void theFoldersMadeToHoldAnUnusedOneGoWithIt() throws IOException {
        Path parent = runs.resolve("a/runs");
        RunFolder.create(parent).close();
        assertThat(runs.resolve("a")).doesNotExist();
        assertThat(runs).exists();

        RunFolder first = RunFolder.create(parent);
        try (RunFolder second = RunFolder.create(parent)) {
            first.close();
            assertThat(second.path()).exists();
        }
        Files.createDirectories(parent);
        RunFolder.create(parent).close();
        assertThat(parent).isEmptyDirectory();
    }
}
