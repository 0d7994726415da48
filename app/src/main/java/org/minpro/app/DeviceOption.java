package org.minpro.app;

/** What {@code --device} says of itself, in every command that computes. */
final class DeviceOption {
    static final String LABEL = "auto|cpu|cuda[:N]";

    static final String DESCRIPTION = "Where models are computed; auto, the default, is a GPU where one can be used.";

    private DeviceOption() {}
}
