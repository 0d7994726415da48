package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class ObjectiveExampleTest {
    private static ObjectiveExample parse(String json) {
        return ObjectiveExample.parse(new JsonMapper().readTree(json));
    }

    @Test
    void theAnswerHasTheShapeOfTheExample() {
        ObjectiveExample example = parse("""
                {"log_probs": [[-1, -2, null], [-0.5]], "behavior_log_probs": [[-1, -2, 7], [-0.5]],
                 "advantages": [[2, 2, 2], [-1]], "mask": [[1, 1, 0], [true]], "aggregation": "seq-mean-token-sum"}""");
        ObjectiveExample.Answer answer = example.evaluate(new Reinforce());
        assertThat(answer.gradient()).isDeepEqualTo(new double[][] {{-1, -1, 0}, {0.5}});
        assertThat(answer.loss()).isEqualTo((2 + 4 - 0.5) / 2);
        assertThat(answer.toJson()).isEqualTo("{\"loss\":2.75,\"gradient\":[[-1.0,-1.0,0.0],[0.5]]}");
    }

    @Test
    void theAggregationIsOptionalAndItsLengthTheWidthOfTheRows() {
        String rows =
                "{\"log_probs\":[[-1,-1]],\"behavior_log_probs\":[[-1,-1]],\"advantages\":[[1,1]],\"mask\":[[1,0]]";
        assertThat(parse(rows + "}").evaluate(new MinPro()).gradient()[0]).containsExactly(-1, 0);
        assertThat(parse(rows + ",\"aggregation\":\"constant-length\"}")
                        .evaluate(new MinPro())
                        .gradient()[0])
                .containsExactly(-0.5, 0);
        assertThat(parse(rows + ",\"aggregation\":\"constant-length\",\"length\":4}")
                        .evaluate(new MinPro())
                        .gradient()[0])
                .containsExactly(-0.25, 0);
        assertThatThrownBy(
                        () -> parse(rows + ",\"aggregation\":\"token-mean\"}").evaluate(new Gspo()))
                .hasMessageContaining("seq-mean-token-mean with gspo");
    }

    @Test
    void theProximalPolicyCanBeTheAnchor() {
        ObjectiveExample example = parse("""
                {"log_probs": [[-1]], "behavior_log_probs": [[-1]], "proximal_log_probs": [[-1.6931471805599454]],
                 "advantages": [[1]], "mask": [[1]]}""");
        assertThat(example.evaluate(new Cispo()).gradient()[0]).containsExactly(-1);
        assertThat(example.withAnchor(Anchor.PROXIMAL).evaluate(new Cispo()).gradient()[0][0])
                .isBetween(-2.0000001, -1.9999999);
    }

    @Test
    void anEmptyExampleHasNoLoss() {
        String empty = "{\"log_probs\":[],\"behavior_log_probs\":[],\"advantages\":[],\"mask\":[]}";
        assertThat(parse(empty).evaluate(new MinPro()).toJson()).isEqualTo("{\"loss\":0.0,\"gradient\":[]}");
        assertThat(parse(empty.replace("[]", "[[],[]]")).evaluate(new MinPro()).gradient())
                .isDeepEqualTo(new double[2][0]);
    }

    @Test
    void everythingWrongIsNamed() {
        assertThatThrownBy(() -> parse("[]")).hasMessage("example must be a JSON object, got: ARRAY");
        assertThatThrownBy(() -> parse("{\"logprobs\":[[1]],\"mask\":[[1]]}"))
                .hasMessageContaining("got: logprobs. Did you mean 'log_probs'?")
                .hasMessageContaining("advantages must be an array of rows, got: nothing")
                .hasMessageContaining("behavior_log_probs must be");
        assertThatThrownBy(() -> parse("""
                                {"log_probs": [[-1, null]], "behavior_log_probs": [[-1], [2]], "advantages": [[1]],
                                 "mask": [[1, 1]], "anchor": "proximal", "aggregation": "mean"}"""))
                .hasMessageContaining("log_probs[0][1] must be a finite number, got: null")
                .hasMessageContaining("behavior_log_probs must have 1 rows like mask, got: 2")
                .hasMessageContaining("advantages[0] must have 2 tokens like mask, got: 1")
                .hasMessageContaining("proximal_log_probs must be given")
                .hasMessageContaining("aggregation must be one of");
        assertThatThrownBy(() -> parse(
                        "{\"log_probs\":[[1]],\"behavior_log_probs\":[[1]],\"advantages\":[[1]],\"mask\":[[0.5]]}"))
                .hasMessage("mask[0][0] must be 1, 0, true or false, got: 0.5");
        assertThatThrownBy(() -> parse("{\"logprobs\":[],\"mask\":[[2]],\"advantages\":[[\"x\"]]}"))
                .hasMessageContaining("Did you mean 'log_probs'?")
                .hasMessageContaining("mask[0][0] must be 1, 0, true or false, got: 2")
                .hasMessageContaining("behavior_log_probs must be");
    }

    @Test
    void aLossThatIsNoNumberIsAnErrorAndNoAnswer() {
        String example =
                "{\"log_probs\":[[0]],\"behavior_log_probs\":[[-20]],\"advantages\":[[1.7e308]],\"mask\":[[1]]}";
        assertThatThrownBy(() -> parse(example).evaluate(new MinPro()))
                .hasMessageContaining("loss and gradient must be finite in float64, got: loss ");
    }
}
