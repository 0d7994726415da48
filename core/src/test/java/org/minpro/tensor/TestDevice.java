package org.minpro.tensor;

/** Where the tests that do not say it compute: the CPU, or what {@code -Dminpro.test.device} names, which must be there. */
public final class TestDevice {
    private static final String ASKED = System.getProperty("minpro.test.device", "");

    public static final Device HERE = ASKED.isEmpty() ? Device.CPU : Engine.use(ASKED);

    private TestDevice() {}
}
