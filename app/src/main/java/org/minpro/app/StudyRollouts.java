package org.minpro.app;

import java.nio.file.Path;
import java.util.List;
import org.minpro.report.Block;
import org.minpro.study.RunKey;

/** Responses of a study's runs with the ratios of their tokens, kept beside its tables. */
final class StudyRollouts {
    private StudyRollouts() {}

    static void keep(Path run, Path study, RunKey key) {}

    static List<Block.Tokens> read(Path study) {
        return List.of();
    }
}
