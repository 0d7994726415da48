package org.minpro.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/**
 * The dynamic symbols of a shared library in the ELF format, 64 bits, little-endian (System V ABI, chapters 4 and 5).
 *
 * @param defined names that others may take from it
 * @param undefined names that it must find elsewhere; those that it can do without (weak ones) are not among them
 */
record ElfSymbols(Set<String> defined, Set<String> undefined) {
    private static final int DYNAMIC_SYMBOLS = 11;
    private static final int SECTION_HEADER = 64;
    private static final int SYMBOL = 24;
    private static final int LOCAL = 0;
    private static final int WEAK = 2;

    static ElfSymbols of(Path library) {
        try (FileChannel channel = FileChannel.open(library, StandardOpenOption.READ)) {
            return of(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()));
        } catch (IOException e) {
            throw new UncheckedIOException("the library must be readable, got: " + library, e);
        }
    }

    /** @throws IllegalArgumentException if it is no such library */
    static ElfSymbols of(ByteBuffer library) {
        ByteBuffer elf = library.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (elf.limit() < 64 || elf.getInt(0) != 0x464c457f || elf.get(4) != 2 || elf.get(5) != 1) {
            throw new IllegalArgumentException(
                    "a library must be in the ELF format with 64 bits, little-endian, got: another");
        }
        int sections = Math.toIntExact(elf.getLong(0x28));
        int count = Short.toUnsignedInt(elf.getShort(0x3c));
        for (int i = 0; i < count; i++) {
            int section = sections + i * SECTION_HEADER;
            if (elf.getInt(section + 4) == DYNAMIC_SYMBOLS) {
                int names = sections + elf.getInt(section + 0x28) * SECTION_HEADER;
                return read(
                        elf.slice(
                                        Math.toIntExact(elf.getLong(section + 0x18)),
                                        Math.toIntExact(elf.getLong(section + 0x20)))
                                .order(ByteOrder.LITTLE_ENDIAN),
                        elf.slice(
                                Math.toIntExact(elf.getLong(names + 0x18)),
                                Math.toIntExact(elf.getLong(names + 0x20))));
            }
        }
        throw new IllegalArgumentException("a library must have dynamic symbols, got: none");
    }

    private static ElfSymbols read(ByteBuffer symbols, ByteBuffer names) {
        byte[] text = new byte[names.remaining()];
        names.get(text);
        Set<String> defined = new HashSet<>();
        Set<String> undefined = new HashSet<>();
        for (int at = 0; at + SYMBOL <= symbols.limit(); at += SYMBOL) {
            int start = symbols.getInt(at);
            int binding = (symbols.get(at + 4) & 0xff) >> 4;
            boolean here = symbols.getShort(at + 6) != 0;
            if (start == 0 || binding == LOCAL || (!here && binding == WEAK)) {
                continue;
            }
            int end = start;
            while (text[end] != 0) {
                end++;
            }
            (here ? defined : undefined).add(new String(text, start, end - start, StandardCharsets.US_ASCII));
        }
        return new ElfSymbols(defined, undefined);
    }
}
