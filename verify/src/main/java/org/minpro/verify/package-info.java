@NullMarked
package org.minpro.verify;

import org.jspecify.annotations.NullMarked;
