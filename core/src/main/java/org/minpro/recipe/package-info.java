/** What the commands are configured with: recipes as records, their defaults, rules and comments. */
@NullMarked
package org.minpro.recipe;

import org.jspecify.annotations.NullMarked;
