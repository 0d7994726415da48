/** Decoder-only transformers: their configuration, Hugging Face folders, safetensors files and the forward pass. */
@NullMarked
package org.minpro.model;

import org.jspecify.annotations.NullMarked;
