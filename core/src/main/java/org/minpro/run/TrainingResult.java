package org.minpro.run;

import java.nio.file.Path;
import java.util.Optional;
import org.minpro.eval.Accuracy;

/**
 * What {@link TrainingSession#train} gives.
 *
 * @param finished whether all iterations are done; false where the run was stopped, which can be continued
 * @param before accuracy on the held-out problems before the first iteration; empty where there are none
 * @param after the same of the trained model; empty where there are none, or the run was stopped
 * @param model folder of the trained model; empty where the run was stopped
 */
public record TrainingResult(
        boolean finished, Optional<Accuracy> before, Optional<Accuracy> after, Optional<Path> model) {}
