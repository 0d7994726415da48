package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ThinkingMarksTest {
    @Test
    void aTemplateThatLeavesThinkingOutNamesItsMarks() {
        assertThat(ThinkingMarks.in("{%- if '</ponder>' in content %}{%- set reasoning ="
                        + " content.split('</ponder>')[0].rstrip('\\n').split('<ponder>')[-1].lstrip('\\n') %}"
                        + "{%- set content = content.split('</ponder>')[-1] %}"))
                .containsExactly(new ThinkingMarks("<ponder>", "</ponder>"));
        assertThat(ThinkingMarks.in("{% set content = content.split(\"<|END_MUSING|>\")|last %}"))
                .containsExactly(new ThinkingMarks("", "<|END_MUSING|>"));
    }

    @Test
    void otherSplitsAreNoMarks() {
        assertThat(ThinkingMarks.in(
                        "{{ text.split('\\n') }}{{ text.split(' ') }}{{ x.split('<think>') }}{{ y.split('###') }}"))
                .isEmpty();
    }
}
