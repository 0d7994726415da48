package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.recipe.Recipe;

class StoredRecipeTest {
    @Test
    void aRunsRecipeSaysWhichVersionBeganIt(@TempDir Path runs) throws IOException {
        assertThat(BuildVersion.present().number()).matches("\\d+\\.\\d+\\.\\d+\\S*");
        assertThat(BuildVersion.present().commit()).matches("[0-9a-f]{7,40}(-dirty)?|unknown");
        var binder = Recipe.binder(StoredRecipeTest.class.getClassLoader());
        try (RunFolder folder = StoredRecipe.create(runs, "train", binder, Recipe.of())) {
            assertThat(Files.readAllLines(folder.recipe()))
                    .startsWith("# minpro train", "# begun by minpro " + BuildVersion.present());
            assertThat(Recipe.read(folder.recipe())).isEqualTo(Recipe.of());
        }
    }
}
