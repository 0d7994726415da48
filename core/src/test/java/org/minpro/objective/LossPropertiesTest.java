package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold for every objective, correction and penalty of the tables: a new one is tested here without new code. */
class LossPropertiesTest {
    private static final double EXACT = 1e-15;

    static Stream<Arguments> losses() {
        return Stream.concat(allButPenaltiesWithASlopeOnPolicy(), penaltiesWithASlopeOnPolicy());
    }

    private static Stream<Arguments> penaltiesWithASlopeOnPolicy() {
        return Stream.of(Arguments.of("kl, k1", penalised("kl", Map.of("estimator", "k1", "coefficient", 0.5))));
    }

    static Stream<Arguments> lossesThatAreReinforceOnPolicy() {
        return allButPenaltiesWithASlopeOnPolicy()
                .filter(arguments -> ((Loss) arguments.get()[1]).objective().isReinforceOnPolicy());
    }

    private static Stream<Arguments> allButPenaltiesWithASlopeOnPolicy() {
        Stream<Arguments> objectives =
                Objectives.entries().stream().map(entry -> named(entry.name(), Objectives.of(entry.name())));
        Stream<Arguments> variants = Stream.of(
                named("minpro, form clip", Objectives.of("minpro", Map.of("form", "clip"))),
                named("minpro, minimum with one", Objectives.of("minpro", Map.of("prefix-minimum-includes-one", true))),
                named("m2po, form mask", Objectives.of("m2po", Map.of("form", "mask"))),
                named(
                        "m2po, narrow window",
                        Objectives.of("m2po", Map.of("clip-low", 0, "clip-high", 0, "threshold", 0.02))));
        Stream<Arguments> kinds = Arrays.stream(PrefixWeight.Kind.values())
                .map(kind -> named("prefix-weight, " + kind, Objectives.of("prefix-weight", Map.of("kind", kind))));
        Stream<Arguments> family = Stream.of(
                named("prefix-weight, form clip", Objectives.of("prefix-weight", Map.of("form", "clip"))),
                named("pnpo, form weight", Objectives.of("pnpo", Map.of("form", "weight"))),
                named("ctpo, geometric", Objectives.of("ctpo", Map.of("prefix", "geometric", "power", -0.5))),
                named("topr, token", Objectives.of("topr", Map.of("form", "token"))),
                named("tis-reinforce, sequence", Objectives.of("tis-reinforce", Map.of("level", "sequence"))),
                named("trm, average", Objectives.of("trm", Map.of("criterion", "average"))),
                named("gmpo, narrow", Objectives.of("gmpo", Map.of("clip", 0.1))),
                named("gepo, wide", Objectives.of("gepo", Map.of("clip-low", 0.9, "clip-high", 9))),
                named("clip-cov, many", Objectives.of("clip-cov", Map.of("fraction", 0.5, "cov-low", 0))),
                named("aspo, low dual clip", Objectives.of("aspo", Map.of("dual-clip", 1.1))),
                named("kpo, fast", Objectives.of("kpo", Map.of("process-noise", 1, "clip-high", 1, "clip-low", 1))));
        Stream<Arguments> corrections = Corrections.table().names().stream()
                .map(name -> Arguments.of(name, corrected(new Grpo(), Anchor.PROXIMAL, name, Map.of())));
        Stream<Arguments> penalties =
                Penalties.table().names().stream().map(name -> Arguments.of(name, penalised(name, Map.of())));
        Stream<Arguments> variantsOfParts = Stream.of(
                Arguments.of("tis, low cap", corrected(new MinPro(), Anchor.BEHAVIOR, "tis", Map.of("cap", 1.05))),
                Arguments.of("tis, no cap", corrected(new Gspo(), Anchor.PROXIMAL, "tis", Map.of("cap", ".inf"))),
                Arguments.of(
                        "tis, sequence", corrected(new Grpo(), Anchor.PROXIMAL, "tis", Map.of("level", "sequence"))),
                Arguments.of(
                        "mis, weighted",
                        corrected(
                                new Cispo(),
                                Anchor.PROXIMAL,
                                "mis",
                                Map.of("low", 0.8, "high", 1.2, "weighted", true, "leave-denominator", true))),
                Arguments.of(
                        "icepop, masked leave the denominator",
                        corrected(new Reinforce(), Anchor.PROXIMAL, "icepop", Map.of("leave-denominator", true))),
                Arguments.of(
                        "divergence, k1 of tokens",
                        corrected(
                                new Grpo(),
                                Anchor.BEHAVIOR,
                                "divergence",
                                Map.of("estimator", "k1", "level", "token", "ratio-low", 0.8, "ratio-high", 1.3))),
                Arguments.of(
                        "kl, low variance",
                        penalised(
                                "kl", Map.of("estimator", "low-variance", "against", "reference", "coefficient", 0.5))),
                Arguments.of("entropy, strong", penalised("entropy", Map.of("coefficient", 0.5))),
                Arguments.of("kl, k2", penalised("kl", Map.of("estimator", "k2", "coefficient", 0.5))),
                Arguments.of("kl, proximal", penalised("kl", Map.of("against", "proximal", "coefficient", 0.5))),
                Arguments.of(
                        "m2po with tis and two penalties",
                        Loss.of(
                                new M2po(),
                                List.of(new TruncatedImportanceSampling()),
                                List.of(
                                        new KlPenalty(),
                                        new KlPenalty(LogProbStream.PROXIMAL, KlPenalty.Estimator.K2, 0.3)),
                                Aggregation.SEQ_MEAN_TOKEN_SUM,
                                Anchor.PROXIMAL)));
        return Stream.of(objectives, variants, kinds, family, corrections, penalties, variantsOfParts)
                .flatMap(stream -> stream);
    }

    private static Arguments named(String name, Objective objective) {
        return Arguments.of(name, Loss.of(objective));
    }

    private static Loss corrected(Objective objective, Anchor anchor, String name, Map<String, ?> parameters) {
        Correction correction = Corrections.table().create(name, parameters, LossPropertiesTest.class.getClassLoader());
        return Loss.of(objective, List.of(correction), List.of(), null, anchor);
    }

    private static Loss penalised(String name, Map<String, ?> parameters) {
        Penalty penalty = Penalties.table().create(name, parameters, LossPropertiesTest.class.getClassLoader());
        return Loss.of(new MinPro(), List.of(), List.of(penalty), null, Anchor.BEHAVIOR);
    }

    static Stream<Arguments> checksOfLosses() {
        return losses().flatMap(arguments -> Arrays.stream(LossChecks.Check.values())
                .map(check -> Arguments.of(arguments.get()[0], arguments.get()[1], check)));
    }

    @Tag("slow")
    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("checksOfLosses")
    void everyCheckHolds(String name, Loss loss, LossChecks.Check check) {
        assertThat(new LossChecks(loss, EXACT).failure(check)).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lossesThatAreReinforceOnPolicy")
    void onPolicyTheGradientIsThatOfReinforce(String name, Loss loss) {
        assertThat(new LossChecks(loss, EXACT).differenceFromReinforceOnPolicy())
                .isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("losses")
    void theLossSaysWhetherItVanishesWithoutAdvantages(String name, Loss loss) {
        assertThat(new LossChecks(loss, EXACT).vanishes()).isEqualTo(loss.vanishesWithAdvantages());
    }
}
