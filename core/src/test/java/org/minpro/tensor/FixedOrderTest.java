package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class FixedOrderTest {
    private static String setting() {
        Context context = torch.globalContext();
        return context.deterministicAlgorithms() + ", warns " + context.deterministicAlgorithmsWarnOnly();
    }

    @Test
    void theSettingIsOnAroundAnOperationOfADeviceAlone() {
        Engine.start();
        String before = setting();
        Device card = Device.cuda(0);
        assertThat(FixedOrder.of(card, FixedOrderTest::setting)).isEqualTo("true, warns true");
        assertThat(FixedOrder.strictly(FixedOrderTest::setting)).isEqualTo("true, warns false");
        assertThat(FixedOrder.of(card, () -> FixedOrder.strictly(FixedOrderTest::setting)))
                .isEqualTo("true, warns false");
        assertThat(FixedOrder.of(Device.CPU, FixedOrderTest::setting)).isEqualTo(before);
        assertThat(setting()).isEqualTo(before);
        assertThatThrownBy(() -> FixedOrder.strictly(() -> {
                    throw new IllegalStateException("no");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(setting()).isEqualTo(before);
    }
}
