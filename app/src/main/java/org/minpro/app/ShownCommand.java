package org.minpro.app;

import java.util.List;
import java.util.stream.Collectors;

/** A command line to be copied into a shell, with the name that this program was started by. */
final class ShownCommand {
    private ShownCommand() {}

    static String of(List<String> arguments) {
        // The launcher says how it was called; it need not lie on the PATH.
        return quoted(System.getProperty("minpro.command", "minpro")) + " "
                + arguments.stream().map(ShownCommand::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String argument) {
        return argument.matches("[\\w./:=,+@%~-]+") ? argument : "'" + argument.replace("'", "'\\''") + "'";
    }
}
