package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.train.Policy;

class PolicyVersionTest {
    private static final ModelConfig CONFIG = TinyModels.dense();
    private static final SamplingParams PARAMS = SamplingParams.of(12, List.of());
    private static final List<RolloutRequest> REQUESTS = List.of(RolloutRequest.of(0, new int[] {5, 6, 7}, 4));

    private static Policy policy(DType compute) {
        Parameters parameters = Parameters.zeros(CONFIG, Device.CPU, DType.F32);
        parameters.initialise(5, 0.2);
        return new Policy(CONFIG, parameters, compute);
    }

    /** An update that changes every weight. */
    private static void update(Policy policy) {
        try (Scope scope = Scope.open()) {
            for (Tensor weight : policy.beginUpdate().stored().values()) {
                weight.multiplyInPlace(1.25);
            }
        }
        policy.publish(policy.version() + 1);
    }

    private static long address(Policy policy) {
        return policy.model().parameters().stored("model.norm.weight").address();
    }

    @Test
    void weightsThatNobodyHoldsAreSteppedWhereTheyAre() {
        for (DType compute : List.of(DType.F32, DType.BF16)) {
            try (Policy policy = policy(compute)) {
                long address = address(policy);
                long objects = Scope.nativeObjects();
                for (int i = 0; i < 3; i++) {
                    update(policy);
                }
                assertThat(address(policy)).isEqualTo(address);
                assertThat(Scope.nativeObjects()).as("%s", compute).isEqualTo(objects);
            }
        }
    }

    @Test
    void aVersionThatIsHeldKeepsItsBytesWhileTheLearnerGoesOn() {
        for (DType compute : List.of(DType.F32, DType.BF16)) {
            long objects = Scope.nativeObjects();
            try (Policy policy = policy(compute)) {
                try (PolicyVersion held = policy.holdVersion()) {
                    byte[] before = held.model()
                            .parameters()
                            .stored("model.norm.weight")
                            .bytes();
                    update(policy);
                    update(policy);
                    assertThat(held.number()).isZero();
                    assertThat(held.model()
                                    .parameters()
                                    .stored("model.norm.weight")
                                    .bytes())
                            .isEqualTo(before);
                    assertThat(policy.version()).isEqualTo(2);
                    assertThat(policy.model()
                                    .parameters()
                                    .stored("model.norm.weight")
                                    .bytes())
                            .isNotEqualTo(before);
                }
                // The weights were copied once: the second update found its copy unshared.
            }
            assertThat(Scope.nativeObjects()).as("%s", compute).isEqualTo(objects);
        }
    }

    @Test
    void anEngineSamplesFromTheVersionItWasGivenWhateverTheLearnerDoes() {
        try (Policy policy = policy(DType.F32);
                Workers workers = new Workers(1);
                LocalRolloutEngine engine = new LocalRolloutEngine(workers, 16, 3, ids -> "")) {
            try (PolicyVersion version = policy.holdVersion()) {
                engine.publish(version);
            }
            List<Rollout> before = engine.generate(REQUESTS, PARAMS, rollout -> {});
            update(policy);
            assertThat(engine.generate(REQUESTS, PARAMS, rollout -> {})).isEqualTo(before);
            try (PolicyVersion version = policy.holdVersion()) {
                engine.publish(version);
            }
            List<Rollout> after = engine.generate(REQUESTS, PARAMS, rollout -> {});
            assertThat(after).allMatch(rollout -> rollout.version() == 1);
            assertThat(after.getFirst().behaviorLogProbs())
                    .isNotEqualTo(before.getFirst().behaviorLogProbs());
            engine.withdraw();
            assertThatThrownBy(() -> engine.generate(REQUESTS, PARAMS, rollout -> {}))
                    .hasMessageContaining("a policy version must be published");
        }
    }

    @Test
    void aVersionThatItsLastHolderClosedIsRefused() {
        try (Policy policy = policy(DType.F32)) {
            PolicyVersion version = policy.holdVersion();
            version.close();
            update(policy);
            assertThatThrownBy(version::model).hasMessageContaining("version 0");
        }
    }

    @Test
    void weightsAreNotReadWhileTheyAreStepped() {
        try (Policy policy = policy(DType.F32)) {
            policy.beginUpdate();
            assertThatThrownBy(policy::model).hasMessageContaining("must not be read while they are stepped");
            policy.publish(1);
            assertThat(policy.model()).isNotNull();
        }
    }
}
