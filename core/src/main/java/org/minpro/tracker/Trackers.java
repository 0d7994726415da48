package org.minpro.tracker;

import java.util.List;
import org.minpro.config.NamedRecords;

/** The table of trackers: name, record class and one line each, sorted; a class name works in place of a name. */
public final class Trackers {
    private static final NamedRecords<Tracker> TABLE = new NamedRecords<>(
            "tracker",
            Tracker.class,
            List.of(
                    new NamedRecords.Entry<>("mlflow", Mlflow.class, "an MLflow server"),
                    new NamedRecords.Entry<>("tensorboard", TensorBoard.class, "event files in the run's folder"),
                    new NamedRecords.Entry<>(
                            "wandb", WeightsAndBiases.class, "an offline run of Weights & Biases, for 'wandb sync'")));

    private Trackers() {}

    /** Whether an address in one of them has what may be a secret. */
    public static boolean haveSecrets(List<Tracker> trackers) {
        return trackers.stream()
                .anyMatch(tracker ->
                        tracker instanceof Mlflow mlflow && mlflow.url().hasSecrets());
    }

    /** The table itself. */
    public static NamedRecords<Tracker> table() {
        return TABLE;
    }
}
