package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CudaTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "false | true  | 0 | 0 | libtorch must have kernels for CUDA, got: one for CPUs alone; point MINPRO_LIBTORCH at",
                "true  | false | 0 | 0 | NVIDIA's driver must be installed, got: none of /proc/driver/nvidia/version",
                "true  | true  | 0 | 0 | the driver must show a device to this process, got: none; look at nvidia-smi",
                "true  | true  | 2 | 2 | there must be so many devices, got: 2, from cuda:0 to cuda:1"
            })
    void saysInOneLineWhatIsMissing(boolean library, boolean driver, int devices, int index, String why) {
        assertThat(new Cuda.Found(library, driver, devices).obstacle(Device.cuda(index)))
                .startsWith("to compute on cuda:" + index + ", " + why)
                .doesNotContain("\n");
    }

    @Test
    void nothingIsMissingWhereTheDeviceIsThere() {
        assertThat(new Cuda.Found(true, true, 2).obstacle(Device.cuda(1))).isNull();
    }

    @Test
    void autoIsTheCpuWhereThereIsNoDeviceAndANamedOneIsRefused() {
        assumeTrue(Cuda.found().devices() == 0, "a CUDA device is there");
        assertThat(Cuda.chosen("auto")).isEqualTo(Device.CPU);
        assertThat(Cuda.chosen("cuda:3")).isEqualTo(Device.cuda(3));
        assertThatThrownBy(() -> Engine.use("cuda"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("to compute on cuda:0, ");
        assertThat(Engine.use("auto")).isEqualTo(Device.CPU);
        assertThat(Engine.device()).isEqualTo(Device.CPU);
    }

    @ParameterizedTest
    @CsvSource({", 4, 0", "0, 4, 0", "3, 4, 3", "5, 4, 1", "3, 1, 0", "3, 0, 0"})
    void processesOfAMachineTakeItsDevicesInTurn(String localRank, int devices, int card) {
        assertThat(Cuda.card(localRank, devices)).isEqualTo(card);
    }

    @Test
    void aLocalRankIsANumber() {
        assertThatThrownBy(() -> Cuda.card("first", 2))
                .hasMessage("the environment's LOCAL_RANK must be a whole number >= 0, got: first");
    }

    @ParameterizedTest
    @CsvSource({"cpu, cpu", "cuda, cuda:0", "cuda:0, cuda:0", "cuda:11, cuda:11"})
    void readsASetting(String setting, String device) {
        assertThat(Device.parse(setting)).hasToString(device);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "meta"})
    void refusesOtherDevices(String setting) {
        assertThatThrownBy(() -> Device.parse(setting))
                .hasMessage("device must be cpu, cuda or cuda:N, got: " + setting);
    }
}
