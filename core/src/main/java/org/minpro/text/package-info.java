/** Text in and out of a model: its tokenizer, its chat template, and the prompt templates of recipes. */
@NullMarked
package org.minpro.text;

import org.jspecify.annotations.NullMarked;
