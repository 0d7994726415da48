@NullMarked
package org.minpro.bench;

import org.jspecify.annotations.NullMarked;
