package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** With libraries of the JDK in the place of libtorch's: they have symbols that others take, too. */
@EnabledOnOs(OS.LINUX)
class InstalledTorchTest {
    private static final Path LIBRARIES = Path.of(System.getProperty("java.home"), "lib");

    @TempDir
    private Path folder;

    private Path torch;

    @BeforeEach
    void makeFolder() throws IOException {
        torch = Files.createDirectories(folder.resolve("torch/lib"));
        Files.writeString(folder.resolve("torch/version.py"), "__version__ = '2.99.0+cu140'\n");
        Files.copy(LIBRARIES.resolve("libzip.so"), torch.resolve("libc10.so"));
        Files.copy(LIBRARIES.resolve("libjava.so"), torch.resolve("libtorch_cpu.so"));
    }

    @Test
    void readsWhatALibraryHasAndWhatItTakes() {
        ElfSymbols java = ElfSymbols.of(LIBRARIES.resolve("libjava.so"));
        ElfSymbols machine = ElfSymbols.of(LIBRARIES.resolve("server/libjvm.so"));
        assertThat(java.defined()).contains("Java_java_lang_Object_getClass").doesNotContain("JVM_IHashCode");
        assertThat(java.undefined()).contains("JVM_IHashCode").doesNotContain("Java_java_lang_Object_getClass");
        assertThat(machine.defined()).contains("JVM_IHashCode");
    }

    @Test
    void refusesWhatIsNoLibrary() {
        assertThatThrownBy(() -> ElfSymbols.of(ByteBuffer.allocate(100)))
                .hasMessageStartingWith("a library must be in the ELF format");
    }

    @Test
    void namesAFunctionThatTheInstalledLibtorchLacks() throws IOException {
        byte[] bindings;
        try (InputStream in = InstalledTorch.class.getClassLoader().getResourceAsStream(InstalledTorch.JNI)) {
            assumeTrue(in != null, "the bindings for Linux x86-64 are not on the class path");
            bindings = in.readAllBytes();
        }
        InstalledTorch installed = new InstalledTorch(torch);
        Set<String> missing = installed.missing(ByteBuffer.wrap(bindings));
        assertThat(missing).hasSizeGreaterThan(4000).allMatch(symbol -> symbol.startsWith("_Z"));
        assertThatThrownBy(() -> installed.require(missing))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(
                        "MINPRO_LIBTORCH must be a libtorch that has what MinPRO calls \\(2.10 and 2.11 do\\),"
                                + " got: PyTorch 2.99.0\\+cu140 in .*torch/lib, which lacks \\d{4} functions, such as \\S+");
        installed.require(Set.of());
    }

    @Test
    void readsANameInAMangledSymbol() {
        assertThat(InstalledTorch.readable("_ZNK2at7Context27checkSparseTensorInvariantsEv"))
                .isEqualTo("at::Context::checkSparseTensorInvariants");
        assertThat(InstalledTorch.readable("_ZN3c104warnERKNS_7WarningE")).isEqualTo("c10::warn");
        assertThat(InstalledTorch.readable("plain")).isEqualTo("plain");
    }

    @Test
    void refusesAFolderWithoutLibtorch() {
        assertThatThrownBy(() -> new InstalledTorch(folder))
                .hasMessage(
                        "MINPRO_LIBTORCH must be the folder torch/lib of an installed PyTorch for Linux x86-64, got: "
                                + folder + ", which has no libc10.so");
    }

    @Test
    void asksAPythonWhereItsPyTorchIs() throws IOException {
        Path python = folder.resolve("python");
        write(python, "echo " + torch.getParent());
        assertThat(InstalledTorch.ofPython(python.toString())).isEqualTo(torch);
        write(python, "echo");
        assertThatThrownBy(() -> InstalledTorch.ofPython(python.toString()))
                .hasMessageStartingWith("MINPRO_LIBTORCH=python must find PyTorch, got: none in the Python " + python);
        assertThatThrownBy(() -> InstalledTorch.ofPython(folder.resolve("none").toString()))
                .hasMessageStartingWith("MINPRO_LIBTORCH=python must find a Python on the PATH, got: none called");
    }

    private static void write(Path program, String line) throws IOException {
        Files.writeString(program, "#!/bin/sh\n" + line + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }
}
