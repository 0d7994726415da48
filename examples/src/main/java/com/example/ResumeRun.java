package com.example;

import java.nio.file.Path;
import org.minpro.run.TrainingResult;
import org.minpro.run.TrainingSession;

/** Continues a run that was stopped or killed: it gives the bytes that it would have given uninterrupted. */
public final class ResumeRun {
    private ResumeRun() {}

    public static void main(String[] args) {
        System.out.println(resume(Path.of(args[0])));
    }

    /** The recipe is the one in the folder; what the program gave, here the reward, it gives again. */
    static TrainingResult resume(Path run) {
        try (TrainingSession session =
                TrainingSession.stored().reward(OwnDataAndReward::score).resume(run)) {
            return session.train();
        }
    }
}
